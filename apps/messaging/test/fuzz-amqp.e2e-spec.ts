import { randomUUID } from 'node:crypto';
import type { Options } from 'amqplib';
import { queueOf, TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { fuzzSeed } from './support/fuzz-seed';
import {
  expiringMessages,
  forgedDeaths,
  hostileEvents,
  hostileMessages,
} from './support/hostile-messages';
import { unacknowledged } from './support/management';
import { Program } from './support/program';
import { stacksIn } from './support/stacks';

jest.setTimeout(120_000);

describe('whatever is published over AMQP', () => {
  const seed = fuzzSeed();
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;
  /** How much it had written when it was ready: until then it may say why it is not. */
  let startUp: number;
  let tenantId: string;
  let neighbour: string;
  let untouched: unknown;

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    program = await Program.start({ databaseUrl: database.url });
    startUp = program.output.length;
    tenantId = await program.api.createTenant();
    neighbour = await program.api.createTenant();
    await program.api.send(neighbour, { mine: true });
    await eventually(async () => expect(await database.stored(neighbour)).toBe(1));
    untouched = await stateOf(neighbour);
  });

  /** After each: all is as before but for what was sent. */
  afterEach(async () => {
    await expectIdle(tenantId);
    expect(stacksIn(program.output.slice(startUp))).toEqual([]);
    expect(await stateOf(neighbour)).toEqual(untouched);
    expect(await program.api.status('/health/ready')).toBe(200);
    await expectStraightLine();
    await expectHeard();
  });

  afterAll(async () => {
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  async function stateOf(tenant: string): Promise<unknown> {
    const { body: letters } = await program.api.get(`/api/tenants/${tenant}/dead-letters`);
    const messages = await program.api.allMessages(tenant);
    const { consumer } = await program.api.tenant(tenant);
    return { messages, letters, consumer, queue: await broker.queue(tenant) };
  }

  async function expectIdle(tenant: string): Promise<void> {
    await eventually(async () => {
      expect(await broker.queue(tenant)).toEqual({ ready: 0, consumers: 1 });
      expect(await unacknowledged(tenant)).toBe(0);
    });
    expect((await program.api.tenant(tenant)).consumer.state).toBe('running');
  }

  async function expectStraightLine(): Promise<void> {
    const id = await program.api.send(tenantId, { still: 'stored' });
    const path = `/api/tenants/${tenantId}/messages/${id}`;
    await eventually(async () => expect(await program.api.status(path)).toBe(200));
  }

  /** Not by the timer, which would take longer. */
  async function expectHeard(): Promise<void> {
    const { workers } = await program.api.tenant(tenantId);
    await program.api.setWorkers(tenantId, workers + 1);
    const applied = async (): Promise<void> => {
      const { consumer } = await program.api.tenant(tenantId);
      expect(consumer.workers_applied).toBe(workers + 1);
    };
    await eventually(applied, { withinMs: 2_000 });
  }

  async function kept(
    without: readonly string[] = [],
  ): Promise<{ stored: number; dead: number; reasons: string[] }> {
    const which = 'WHERE tenant_id = $1 AND id <> ALL ($2)';
    const letters = await database.rows<{ reason: string }>(
      `SELECT reason FROM dead_letters ${which}`,
      [tenantId, without],
    );
    const stored = await database.rows(`SELECT FROM messages ${which}`, [tenantId, without]);
    const reasons = letters.map(({ reason }) => reason);
    return { stored: stored.length, dead: letters.length, reasons };
  }

  function publish(exchange: string, key: string, body: Buffer, options: Options.Publish): void {
    broker.channel.publish(exchange, key, body, { deliveryMode: 2, ...options });
  }

  it('for a tenant is stored, or a dead letter with a reason', async () => {
    const sent = hostileMessages(tenantId, seed);
    const before = await kept();
    for (const { body, options } of sent) publish('messaging.messages', tenantId, body, options);
    await broker.channel.waitForConfirms();

    // What wants to be dropped after a millisecond may be, or was faster.
    const dropped = sent.filter(({ options }) => options.expiration === '1');
    const droppedIds = dropped.map(({ options }) => options.messageId as string);
    await eventually(
      async () => {
        const { stored, dead } = await kept(droppedIds);
        const expected = sent.length - dropped.length;
        expect(stored + dead - before.stored - before.dead).toBe(expected);
      },
      { withinMs: 40_000 },
    );
    const { stored, dead, reasons } = await kept();
    expect(stored).toBeGreaterThan(sent.length / 3);
    expect(dead).toBeGreaterThan(10);
    for (const reason of reasons) expect(reason).toMatch(/\w{3}/);
  });

  it('and expires is dropped by its queue, and no other queue notices', async () => {
    const paused = await program.api.createTenant();
    await eventually(async () => expect((await broker.queue(paused))?.consumers).toBe(1));
    await program.api.pauseAndWait(paused);
    const lasting = await program.api.send(paused, 'does not expire');
    for (const { body, options } of expiringMessages(paused))
      publish('messaging.messages', paused, body, options);
    const last = await program.api.send(paused, 'neither');
    await broker.channel.waitForConfirms();
    await program.api.resume(paused);
    await eventually(async () => {
      const stored = await program.api.allMessages(paused);
      expect(stored.map(({ id }) => id).toSorted()).toEqual([lasting, last].toSorted());
    });
    await expectIdle(paused);
    const another = await program.api.createTenant();
    await program.api.send(another, 'stored');
    await eventually(async () => expect(await database.stored(another)).toBe(1));
    for (const tenant of [paused, another]) await program.api.remove(tenant);
  });

  it('for nobody goes nowhere', async () => {
    const before = await kept();
    for (const key of [
      '',
      'nobody',
      randomUUID(),
      '#',
      '*',
      tenantId.toUpperCase(),
      '👋'.repeat(60),
    ])
      publish('messaging.messages', key, Buffer.from('1'), { messageId: randomUUID() });
    await broker.channel.waitForConfirms();
    expect(await kept()).toEqual(before);
  });

  it('as a control event is not minded', async () => {
    const before = await kept();
    const queue = queueOf(tenantId);
    for (const body of hostileEvents(tenantId))
      for (const answer of [{}, { replyTo: queueOf('nobody') }, { replyTo: queue }])
        publish('messaging.control', '', body, { deliveryMode: 1, ...answer });
    await broker.channel.waitForConfirms();
    await expectHeard();
    await expectIdle(tenantId);
    expect(await kept()).toEqual(before);
  });

  it('as a dead letter is kept for whom it names, or let go', async () => {
    const before = await kept();
    const deaths = forgedDeaths(tenantId);
    for (const death of deaths) {
      const options = { messageId: randomUUID(), headers: { 'x-death': death } };
      publish('messaging.dead-letters', '', Buffer.from([0xff]), options);
    }
    for (const { body, options } of hostileMessages(tenantId, seed + 1).slice(0, 400))
      publish('messaging.dead-letters', '', body, { ...options, headers: undefined });
    await broker.channel.waitForConfirms();
    const named = deaths.filter((death) => JSON.stringify(death).includes(tenantId)).length;
    await eventually(async () => expect((await kept()).dead - before.dead).toBe(named));
    await eventually(async () => {
      const { messageCount, consumerCount } =
        await broker.channel.checkQueue('messaging.dead-letters');
      expect({ messageCount, consumerCount }).toEqual({ messageCount: 0, consumerCount: 1 });
    });
  });
});
