import { queueOf, TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { HeldLease } from './support/held-lease';
import { consumersOf } from './support/management';
import { Program } from './support/program';

jest.setTimeout(60_000);

const within2s = { withinMs: 2_000 };

/** The timer, which is all that is left when an announcement is lost, ticks every few seconds. */
const withinSeconds = { withinMs: 10_000 };

describe('consumers', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let one: Program;
  let other: Program;
  let listed: string[];

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    await startBoth();
    // The management API's list of consumers is no list of now: they are looked at last.
    listed = [await one.api.createTenant(4), await one.api.createTenant(5)];
  });

  afterAll(async () => {
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  async function startBoth(): Promise<void> {
    const start = (): Promise<Program> => Program.start({ databaseUrl: database.url });
    [one, other] = await Promise.all([start(), start()]);
  }

  const run = (workers: number): object => ({
    state: 'running',
    workers_applied: workers,
    owner: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
  });
  const PAUSED = { state: 'paused', workers_applied: 0, owner: null };

  /** What both replicas say, and how many consumers there really are. */
  async function expectAll(tenantId: string, consumer: object, consumers: number): Promise<void> {
    for (const { api } of [one, other]) {
      expect((await api.tenant(tenantId)).consumer).toEqual(consumer);
    }
    expect((await broker.queue(tenantId))?.consumers).toBe(consumers);
  }

  it('follow within 2 s, whichever replica has them, what was done through one of them', async () => {
    const tenantId = await one.api.createTenant(3);
    await eventually(() => expectAll(tenantId, run(3), 1), within2s);
    await other.api.pause(tenantId);
    await eventually(() => expectAll(tenantId, PAUSED, 0), within2s);
    await one.api.resume(tenantId);
    await eventually(() => expectAll(tenantId, run(3), 1), within2s);
    expect((await other.api.setWorkers(tenantId, 7)).status).toBe(200);
    await eventually(() => expectAll(tenantId, run(7), 1), within2s);

    await one.api.remove(tenantId);
    const path = `/api/tenants/${tenantId}`;
    for (const { api } of [one, other]) expect(await api.status(path)).toBe(404);
    await eventually(async () => expect(await broker.queue(tenantId)).toBeUndefined(), within2s);
  });

  it('follow a change within seconds, even when nobody was told of it', async () => {
    const tuned = await one.api.createTenant(3);
    const paused = await one.api.createTenant(3);
    await eventually(() => expectAll(tuned, run(3), 1));
    await eventually(() => expectAll(paused, run(3), 1));
    await database.rows('UPDATE tenants SET workers = 9 WHERE tenant_id = $1', [tuned]);
    await database.rows(`UPDATE tenants SET status = 'paused' WHERE tenant_id = $1`, [paused]);

    await eventually(() => expectAll(tuned, run(9), 1), withinSeconds);
    await eventually(() => expectAll(paused, PAUSED, 0), withinSeconds);
  });

  it('are one also when the tenant is named in upper case to them', async () => {
    const tenantId = await one.api.createTenant(3);
    await eventually(() => expectAll(tenantId, run(3), 1), within2s);
    const event = { pattern: 'tenant.changed', data: { tenant_id: tenantId.toUpperCase() } };
    broker.channel.publish('messaging.control', '', Buffer.from(JSON.stringify(event)));
    await broker.channel.waitForConfirms();
    await one.api.pause(tenantId);
    await eventually(() => expectAll(tenantId, PAUSED, 0), within2s);
  });

  it('are told of again when their lease was lost and won back meanwhile', async () => {
    const tenantId = await one.api.createTenant(3);
    await eventually(() => expectAll(tenantId, run(3), 1));
    await database.rows(
      `UPDATE tenant_leases SET state = 'starting', workers_applied = 0 WHERE tenant_id = $1`,
      [tenantId],
    );
    await eventually(() => expectAll(tenantId, run(3), 1), withinSeconds);
  });

  it('run again when a resume comes while the pause is still being carried out', async () => {
    const [tenantId, next] = [await one.api.createTenant(3), await one.api.createTenant(3)];
    await eventually(() => expectAll(tenantId, run(3), 1));
    await eventually(() => expectAll(next, run(3), 1));
    const lease = await HeldLease.of(database, tenantId);
    await one.api.pause(tenantId);
    await eventually(async () => expect(await lease.isAwaited()).toBe(true));
    await one.api.resume(tenantId);
    // Announced after the resume: whoever has carried this out has heard of that.
    await one.api.pause(next);
    await eventually(async () => expect((await broker.queue(next))?.consumers).toBe(0));
    await lease.release();

    await eventually(() => expectAll(tenantId, run(3), 1), within2s);
    for (const { output } of [one, other]) expect(output).not.toContain("another replica's now");
  });

  it('have a channel each, with as many unsettled messages allowed as there are workers', async () => {
    await eventually(async () => {
      const consumers = (await Promise.all(listed.map(consumersOf))).flat();
      expect(consumers.map(({ prefetch_count }) => prefetch_count)).toEqual([4, 5]);
      const channels = consumers.map(({ channel_details }) => channel_details.name);
      expect(new Set(channels)).toHaveProperty('size', 2);
      expect(channels).not.toContain(undefined);
    });
  });

  it('are back as they were after a restart: those of paused tenants are not', async () => {
    const paused = await one.api.createTenant();
    const active = await one.api.createTenant();
    await one.api.pause(paused);
    await eventually(() => expectAll(paused, PAUSED, 0), within2s);
    const before = await one.api.sendBatch(paused, ['sent', 'while', 'paused']);
    await Promise.all([one.stop(), other.stop()]);
    await startBoth();

    expect((await broker.queue(active))?.consumers).toBe(1);
    expect(await broker.queue(paused)).toEqual({ ready: 3, consumers: 0 });
    const after = await other.api.send(paused, 'and after the restart');
    const { queue } = await other.api.tenant(paused);
    expect(queue).toEqual({ name: queueOf(paused), ready: 4 });
    expect(await database.stored(paused)).toBe(0);

    await other.api.resume(paused);
    await eventually(() => expectAll(paused, run(3), 1), within2s);
    await eventually(async () => expect(await database.stored(paused)).toBe(4));
    const stored = (await one.api.allMessages(paused)).map(({ id }) => id);
    expect(stored.toSorted()).toEqual([...before, after].toSorted());
  });
});
