import { setTimeout as delay } from 'node:timers/promises';
import { queueOf, TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually, throughout } from './support/eventually';
import { account, ALL_ONCE, Load } from './support/load';
import { consumerCounts, unacknowledged } from './support/management';
import { Scrape } from './support/metrics';
import { ownersOf, sharesOf } from './support/owners';
import { Program } from './support/program';
import { slowDownStoring, storeAtFullSpeed } from './support/slow-storing';
import { WorkerLimit } from './support/worker-limit';

jest.setTimeout(120_000);

const TENANTS = 30;
const WORKERS = 3;
const BACKLOG = 150;
/** So many tenants have their messages counted; all others may be sent some. */
const WATCHED = 6;

/** The promise, and what the look may take on a busy machine: an answer for each tenant from each survivor. */
const REPLACED_WITHIN_MS = 1_000;
const LOOK_WITHIN_MS = 1_000;
const afterKill = { withinMs: 10_000 };
const atRest = { withinMs: 15_000 };

describe('of several replicas', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let replicas: Program[];
  let tenantIds: string[];

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    replicas = await Promise.all([start(), start(), start()]);
    const api = asked();
    tenantIds = [];
    while (tenantIds.length < TENANTS) tenantIds.push(await api.createTenant(WORKERS));
  });

  afterAll(async () => {
    await Load.stopAll();
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  const start = (): Promise<Program> => Program.start({ databaseUrl: database.url });
  const asked = (): Program['api'] => (replicas[0] as Program).api;
  const owners = (): Promise<Map<string, string | null>> => ownersOf(asked(), tenantIds);

  /** Each tenant runs on one replica, and all replicas have as many. */
  async function expectBalanced(within: { withinMs: number }): Promise<Map<string, string | null>> {
    return eventually(async () => {
      const now = await owners();
      expect(sharesOf(now)).toEqual(replicas.map(() => TENANTS / replicas.length));
      return now;
    }, within);
  }

  async function expectAllOwned(without: string, within: { withinMs: number }): Promise<void> {
    await eventually(async () => {
      const now = [...(await owners()).values()];
      expect(now).not.toContain(null);
      expect(now).not.toContain(without);
    }, within);
  }

  /** The id of a replica, by what it alone can tell: the owner of a tenant that vanishes with it. */
  async function ownerThatEndsWith(end: () => Promise<unknown>): Promise<string> {
    const before = new Set((await owners()).values());
    await end();
    const after = await eventually(async () => {
      const now = new Set((await owners()).values());
      expect(now).not.toContain(null);
      expect(now.size).toBe(before.size - 1);
      return now;
    }, afterKill);
    return [...before].find((owner) => !after.has(owner)) as string;
  }

  it('each consumes its fair share, and each tenant is consumed by one', async () => {
    await expectBalanced(atRest);
    expect(await consumerCounts(broker, tenantIds)).toEqual(tenantIds.map(() => 1));
  });

  it('one that stops with messages under way is replaced within 1 s of the signal', async () => {
    const leaver = replicas.splice(2, 1)[0] as Program;
    const before = await owners();
    const load = new Load(asked(), tenantIds.slice(WATCHED), 1);
    await slowDownStoring(database, 50);
    await eventually(async () => {
      expect((await Scrape.of(leaver.api)).value('in_flight_messages')).toBeGreaterThan(0);
    });
    const signalledAt = performance.now();
    leaver.signal('SIGTERM');
    const tookMs = (await whenOwnedBySurvivors()) - signalledAt;
    await load.stop();
    await storeAtFullSpeed(database);

    expect(tookMs).toBeLessThan(REPLACED_WITHIN_MS + LOOK_WITHIN_MS);
    expect((await leaver.exited).code).toBe(0);
    await eventually(async () => expect(await account(database, load.accepted)).toEqual(ALL_ONCE));
    const after = await expectBalanced(atRest);
    const left = new Set(after.values());
    const stayed = tenantIds.filter((tenantId) => left.has(before.get(tenantId) ?? ''));
    for (const tenantId of stayed) expect(after.get(tenantId)).toBe(before.get(tenantId));
  });

  /** When every survivor says of every tenant that one of them runs it: at the end of the first look. */
  async function whenOwnedBySurvivors(): Promise<number> {
    return eventually(async () => {
      for (const { api } of replicas) {
        const now = [...(await ownersOf(api, tenantIds)).values()];
        expect(new Set(now).size).toBe(replicas.length);
        expect(now).not.toContain(null);
      }
      return performance.now();
    });
  }

  it('one that comes gets its share, and nothing else moves', async () => {
    const before = await expectBalanced(atRest);
    replicas.push(await start());
    const after = await expectBalanced(atRest);
    const moved = tenantIds.filter((tenantId) => before.get(tenantId) !== after.get(tenantId));
    expect(moved).toHaveLength(TENANTS / 3);
    expect(new Set(moved.map((tenantId) => after.get(tenantId))).size).toBe(1);
  });

  it('one that is killed is replaced within 10 s', async () => {
    const killed = replicas.pop();
    const gone = await ownerThatEndsWith(() => (killed as Program).kill());
    await expectAllOwned(gone, afterKill);
    await expectBalanced(atRest);
  });

  it('none exceeds the workers of a tenant, loses or repeats a message, as they come and go', async () => {
    const watched = tenantIds.slice(0, WATCHED);
    await Promise.all(tenantIds.map((tenantId) => asked().pause(tenantId)));
    await eventually(async () => {
      for (const tenantId of watched)
        expect((await asked().tenant(tenantId)).consumer.owner).toBeNull();
    });
    const sent = new Map<string, string[]>();
    for (const tenantId of watched) {
      sent.set(tenantId, await asked().sendBatch(tenantId, [...Array(BACKLOG).keys()]));
    }
    await slowDownStoring(database, 250);
    await Promise.all(tenantIds.map((tenantId) => asked().resume(tenantId)));

    const limits = watched.map(
      (tenantId) => new WorkerLimit({ tenantId, published: BACKLOG, broker, database }, WORKERS),
    );
    const shown = new Set<number>();
    await throughout(comeAndGo(), async () => {
      for (const limit of limits) await limit.check();
      for (const tenantId of watched) shown.add(await unacknowledged(tenantId));
    });
    await storeAtFullSpeed(database);

    expect(Math.max(...shown)).toBe(WORKERS);
    expect(Math.max(...limits.map(({ most }) => most))).toBe(WORKERS);
    for (const [tenantId, ids] of sent) {
      await eventually(async () => expect(await database.stored(tenantId)).toBe(BACKLOG));
      const stored = (await asked().allMessages(tenantId)).map(({ id }) => id);
      expect(stored.toSorted()).toEqual(ids.toSorted());
      await eventually(async () => {
        expect(await broker.queue(tenantId)).toMatchObject({ ready: 0, consumers: 1 });
      });
    }
    await eventually(async () => {
      expect(await consumerCounts(broker, tenantIds)).toEqual(tenantIds.map(() => 1));
    });
  });

  /** One is added, one killed, one stopped, one frozen for longer than its heartbeat counts. */
  async function comeAndGo(): Promise<void> {
    replicas.push(await start());
    await delay(2_000);
    await replicas.splice(1, 1)[0]?.kill();
    replicas.push(await start());
    await delay(2_000);
    await replicas.splice(1, 1)[0]?.stop();
    const frozen = replicas[1] as Program;
    frozen.signal('SIGSTOP');
    await delay(7_000);
    frozen.signal('SIGCONT');
    await delay(3_000);
  }

  it('any uses a queue with the arguments of an earlier release as it is', async () => {
    const tenantId = tenantIds[0] as string;
    await asked().pauseAndWait(tenantId);
    await broker.deleteQueue(tenantId);
    await broker.channel.assertQueue(queueOf(tenantId), {
      durable: true,
      arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 3 },
    });
    // Nothing is bound any more: it is declared again, as a queue of today's, and that is refused.
    const id = await asked().send(tenantId, 'into an old queue');
    expect((await broker.queue(tenantId))?.ready).toBe(1);
    await asked().resume(tenantId);
    await eventually(async () => {
      const { status } = await asked().get(`/api/tenants/${tenantId}/messages/${id}`);
      expect(status).toBe(200);
    });
  });

  it('one that is told another QUEUE_TYPE uses the queues that are there', async () => {
    const env = { QUEUE_TYPE: 'classic' };
    const other = await Program.start({ databaseUrl: database.url, env });
    const tenantId = tenantIds[1] as string;
    await broker.deleteQueue(tenantId);
    const before = await database.stored(tenantId);
    await other.api.send(tenantIds[2] as string, 'to a quorum queue');
    await other.api.send(tenantId, 'to one of whatever type');
    await eventually(async () => expect(await database.stored(tenantId)).toBe(before + 1));
    expect(other.output).not.toMatch(/connecting anew|Not declared/);
    expect(await other.stop()).toEqual({ code: 0, signal: null });
  });
});
