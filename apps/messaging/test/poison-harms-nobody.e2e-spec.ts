import { randomUUID } from 'node:crypto';
import { TestBroker } from './support/broker';
import { partitionOf, TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { detachByHand, detachHalfway } from './support/partitions';
import { poison } from './support/poison';
import { Program } from './support/program';
import { slowDownStoring, storeAtFullSpeed } from './support/slow-storing';
import { goodOnes, type Publication, publishAll, TenantGroup } from './support/tenant-group';

jest.setTimeout(60_000);

describe('a batch of many tenants', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;
  const groups: TenantGroup[] = [];

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    program = await Program.start({ databaseUrl: database.url });
    // While one statement is under way the next batch gathers: what is sent meets in few of them.
    await slowDownStoring(database, 20);
  });

  afterAll(async () => {
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  async function pausedTenants(count: number, workers?: number): Promise<TenantGroup> {
    const group = await TenantGroup.paused(program.api, broker, count, workers);
    groups.push(group);
    return group;
  }

  /** How many statements stored messages, and how many of these stored those of several tenants. */
  async function statements(): Promise<{ all: number; mixed: number }> {
    const [row] = await database.rows<{ all: number; mixed: number }>(`
      SELECT count(*)::int AS "all", count(*) FILTER (WHERE tenants > 1)::int AS mixed
      FROM (SELECT count(DISTINCT tenant_id) AS tenants FROM messages GROUP BY stored_xid) AS s`);
    return row ?? { all: 0, mixed: 0 };
  }

  it('is stored by far fewer statements than it has messages', async () => {
    const group = await pausedTenants(10);
    const sent = group.tenantIds.flatMap((tenantId) => goodOnes(tenantId, 150));
    await publishAll(broker, sent);
    await group.resume();

    await group.expectStored(sent);
    const { all, mixed } = await statements();
    expect(all).toBeLessThan(sent.length / 10);
    expect(mixed).toBeGreaterThan(0);
  });

  it('is stored but for its poison, which is kept byte for byte with its reason', async () => {
    const group = await pausedTenants(5);
    const good = group.tenantIds.map((tenantId) => goodOnes(tenantId, 40));
    const bad = group.tenantIds.map((tenantId) => poison(tenantId));
    await publishAll(
      broker,
      good.flatMap((own, tenant) => alternating(own, bad[tenant] ?? [])),
    );
    await group.resume();

    await group.expectStored(good.flat());
    for (const sent of bad) await eventually(() => expectKept(sent));
  });

  const alternating = (some: readonly Publication[], others: readonly Publication[]) =>
    some.flatMap((message, index) => [message, ...others.slice(index, index + 1)]);

  async function expectKept(sent: readonly Publication[]): Promise<void> {
    const kept = await deadLetters(sent[0]?.tenantId ?? '');
    const bodies = kept.map(({ id, body }): [string, string] => [id, body.toString('hex')]);
    const expected = sent.map(({ body, options }): [string, string] => [
      options.messageId,
      Buffer.from(body).toString('hex'),
    ]);
    expect(new Map(bodies)).toEqual(new Map(expected));
    for (const { reason } of kept) {
      expect(reason).toMatch(/\w{3}/);
      expect(reason).not.toMatch(/killing its consumer/);
    }
  }

  const deadLetters = (tenantId: string) =>
    database.rows<{ id: string; body: Buffer; reason: string }>(
      'SELECT id, body, reason FROM dead_letters WHERE tenant_id = $1',
      [tenantId],
    );

  it('is stored but for the row that PostgreSQL alone refuses', async () => {
    const group = await pausedTenants(4);
    const [strict = ''] = group.tenantIds;
    await database.client.query(
      `ALTER TABLE ${partitionOf(strict)} ADD CONSTRAINT house_rule CHECK (payload <> '"no"')`,
    );
    const good = group.tenantIds.flatMap((tenantId) => goodOnes(tenantId, 40));
    const refused = { tenantId: strict, body: '"no"', options: { messageId: randomUUID() } };
    await publishAll(broker, good.toSpliced(20, 0, refused));
    await group.resume();

    await group.expectStored(good);
    await eventually(() => expectKept([refused]));
    expect((await deadLetters(strict))[0]?.reason).toContain('house_rule');
  });

  it('is stored without the messages of a tenant that vanished', async () => {
    const group = await pausedTenants(5);
    const [vanished = '', ...others] = group.tenantIds;
    await group.resume();
    await eventually(async () => expect((await broker.queue(vanished))?.consumers).toBe(1));
    await vanish(vanished);
    const sent = group.tenantIds.flatMap((tenantId) => goodOnes(tenantId, 40));
    await publishAll(broker, sent);

    await group.expectStored(sent.filter(({ tenantId }) => others.includes(tenantId)));
    await eventually(async () => expect(await broker.queue(vanished)).toBeUndefined());
  });

  /** As a removal leaves it whose announcement was lost: the consumer still runs. */
  async function vanish(tenantId: string): Promise<void> {
    const text = 'UPDATE tenants SET removed_at = now() WHERE tenant_id = $1';
    await database.client.query(text, [tenantId]);
    await detachByHand(database, tenantId);
    await database.client.query(`DROP TABLE IF EXISTS ${partitionOf(tenantId)}`);
  }

  const dropByHand = async (tenantId: string): Promise<void> => {
    await detachByHand(database, tenantId);
    await database.client.query(`DROP TABLE ${partitionOf(tenantId)}`);
  };

  it.each<[string, (tenantId: string) => Promise<void>]>([
    ['dropped', dropByHand],
    ['detached', (tenantId) => detachByHand(database, tenantId)],
    ['half detached', (tenantId) => detachHalfway(database, tenantId)],
  ])('is stored when a partition was %s by hand', async (_how, takeAway) => {
    const group = await pausedTenants(4);
    const [bereft = ''] = group.tenantIds;
    await takeAway(bereft);
    const sent = group.tenantIds.flatMap((tenantId) => goodOnes(tenantId, 40));
    await publishAll(broker, sent);
    await group.resume();

    await group.expectStored(sent);
  });

  it.each(['that is no JSON', 'that PostgreSQL alone refuses'])(
    'costs its 999 sound messages less than a second for one %s',
    async (kind) => {
      await storeAtFullSpeed(database);
      const without = await timeToStore(undefined);
      const withIt = await timeToStore(kind);
      expect(withIt - without).toBeLessThan(1_000);
    },
  );

  /** From the start of the consumer until 999 sound messages are stored, in milliseconds. */
  async function timeToStore(kind: string | undefined): Promise<number> {
    const group = await pausedTenants(1, 1_000);
    const [tenantId = ''] = group.tenantIds;
    await database.client.query(
      `ALTER TABLE ${partitionOf(tenantId)} ADD CONSTRAINT house_rule CHECK (payload <> '"no"')`,
    );
    const good = goodOnes(tenantId, 999);
    const body = kind === 'that is no JSON' ? 'no' : '"no"';
    const bad = { tenantId, body, options: { messageId: randomUUID() } };
    await publishAll(broker, kind === undefined ? good : good.toSpliced(617, 0, bad));
    await group.resume();
    const began = performance.now();
    await eventually(async () => expect(await database.stored(tenantId)).toBe(999));
    const tookMs = performance.now() - began;
    if (kind !== undefined) await eventually(() => expectKept([bad]));
    return tookMs;
  }

  // What was taken and not settled would wait in its queue again, once nobody holds it.
  it('leaves nothing in the queues, and nothing unacknowledged', async () => {
    // What was not acknowledged would be back in its queue then.
    await program.stop();
    for (const tenantId of groups.flatMap((group) => group.tenantIds)) {
      const left = await eventually(async () => {
        const queue = await broker.queue(tenantId);
        expect(queue?.consumers ?? 0).toBe(0);
        return queue;
      });
      expect(left?.ready ?? 0).toBe(0);
    }
  });
});
