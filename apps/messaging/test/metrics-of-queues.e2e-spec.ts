import { randomUUID } from 'node:crypto';
import { queueOf, TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { Scrape } from './support/metrics';
import { Program } from './support/program';
import { StoringLock } from './support/storing-lock';

describe('the metrics of what waits', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    program = await Program.start({ databaseUrl: database.url });
  });

  afterEach(() => StoringLock.releaseAll());

  afterAll(async () => {
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  const scrape = (): Promise<Scrape> => Scrape.of(program.api);

  it('tell what waits for a paused tenant, and since when at most, once it is resumed', async () => {
    const name = 'paused, with "quotes"';
    const tenantId = await program.api.createTenant(1, name);
    await program.api.pauseAndWait(tenantId);
    // A queue that was seen empty once: what is in it afterwards came later.
    const label = name.replaceAll('"', '\\"');
    await eventually(async () => {
      expect((await scrape()).ofTenants('queue_messages')[label]).toBe(0);
    });
    const sentAt = Date.now();
    // None says when it was accepted.
    for (const messageId of [randomUUID(), randomUUID(), randomUUID()])
      await broker.publish(tenantId, '"waits"', { messageId });
    await eventually(async () => {
      const now = await scrape();
      expect(now.ofTenants('queue_messages')[label]).toBe(3);
      const ages = now.ofTenants('oldest_waiting_message_age_seconds');
      expect(Object.keys(ages)).not.toContain(label);
    });
    const lock = await StoringLock.hold(database, tenantId);
    await program.api.resume(tenantId);
    await eventually(async () => {
      const waited = (Date.now() - sentAt) / 1000;
      const now = await scrape();
      expect(now.ofTenants('queue_messages')[label]).toBe(2);
      const age = now.ofTenants('oldest_waiting_message_age_seconds')[label];
      expect(age).toBeGreaterThanOrEqual(waited);
      // Not before the last look: a round of a handful of queues takes some 2 s.
      expect(age).toBeLessThan(waited + 5);
    });
    await lock.release();
    await eventually(async () => {
      const now = await scrape();
      expect(now.ofTenants('queue_messages')[label]).toBe(0);
      expect(now.ofTenants('oldest_waiting_message_age_seconds')[label]).toBe(0);
    });
  });

  it('tell what is taken, and how old is at most what waits behind it', async () => {
    const name = 'held up';
    const tenantId = await program.api.createTenant(1, name);
    await program.api.send(tenantId, 'goes through');
    await eventually(async () => expect(await database.stored(tenantId)).toBe(1));
    const lock = await StoringLock.hold(database, tenantId);
    const sentAt = Date.now();
    await program.api.sendBatch(tenantId, [1, 2, 3, 4]);
    await eventually(async () => {
      const waited = (Date.now() - sentAt) / 1000;
      const now = await scrape();
      expect(now.value('in_flight_messages')).toBe(1);
      expect(now.ofTenants('queue_messages')[name]).toBe(3);
      const age = now.ofTenants('oldest_waiting_message_age_seconds')[name];
      expect(age).toBeGreaterThan(waited - 0.5);
      expect(age).toBeLessThan(waited + 0.5);
    });
    await lock.release();
    await eventually(async () => {
      const now = await scrape();
      expect(now.value('in_flight_messages')).toBe(0);
      expect(now.ofTenants('queue_messages')[name]).toBe(0);
    });
  });

  it('name the worst tenants only, and take the others together', async () => {
    const own = await TestDatabase.create();
    const env = { METRICS_TOP_TENANTS: '2' };
    const alone = await Program.start({ databaseUrl: own.url, env });
    for (const count of [1, 4, 2, 8, 3]) {
      const tenantId = await alone.api.createTenant(1, `has ${count}`);
      await StoringLock.hold(own, tenantId);
      const isTaken = 1;
      await alone.api.sendBatch(
        tenantId,
        Array.from({ length: isTaken + count }, () => 1),
      );
    }
    await eventually(async () => {
      const now = await Scrape.of(alone.api);
      expect(now.ofTenants('queue_messages')).toEqual({ 'has 8': 8, 'has 4': 4, _others: 6 });
      const ages = now.ofTenants('oldest_waiting_message_age_seconds');
      expect(Object.keys(ages)).toHaveLength(3);
      expect(Math.max(...Object.values(ages))).toBeGreaterThanOrEqual(ages['_others'] ?? Infinity);
      expect(ages['_others']).toBeGreaterThan(0);
    });
    await StoringLock.releaseAll();
    await alone.kill();
    await own.drop();
  });

  it('go on with a tenant that has lost its queue', async () => {
    const lost = await program.api.createTenant(1, 'lost');
    const other = await program.api.createTenant(1, 'not lost');
    for (const tenantId of [lost, other]) await program.api.pauseAndWait(tenantId);
    await broker.deleteQueue(lost);
    await program.api.sendBatch(other, [1, 2]);
    await eventually(async () => {
      expect((await scrape()).ofTenants('queue_messages')['not lost']).toBe(2);
    });
    await program.api.remove(lost);
    await program.api.remove(other);
    await eventually(async () => {
      const tenants = Object.keys((await scrape()).ofTenants('queue_messages'));
      expect(tenants).not.toContain('lost');
      expect(tenants).not.toContain('not lost');
    });
  });

  it('go on with a tenant whose queue does not say what waits in it, and log it once', async () => {
    const own = await TestDatabase.create();
    const alone = await Program.start({ databaseUrl: own.url });
    const [failing, other] = [
      await alone.api.createTenant(),
      await alone.api.createTenant(1, 'well'),
    ];
    for (const tenantId of [failing, other]) {
      await alone.api.pauseAndWait(tenantId);
    }
    await broker.deleteQueue(failing);
    // Whoever else asks is refused with 405, and loses the channel.
    await broker.channel.assertQueue(queueOf(failing), { exclusive: true });
    for (const sent of [1, 2, 3]) {
      await alone.api.send(other, sent);
      await eventually(async () => {
        expect((await Scrape.of(alone.api)).ofTenants('queue_messages')['well']).toBe(sent);
      });
    }
    expect(alone.output.match(/Not every queue says.*RESOURCE.LOCKED/g)).toHaveLength(1);
    await alone.kill();
    await broker.deleteQueue(failing);
    await own.drop();
  });
});
