import { setTimeout as delay } from 'node:timers/promises';
import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually, throughout } from './support/eventually';
import { unsettledByPrefetch } from './support/management';
import { Program } from './support/program';
import { slowDownStoring, storeAtFullSpeed } from './support/slow-storing';
import { StoringLock } from './support/storing-lock';
import { publishAll } from './support/tenant-group';
import { WorkerLimit } from './support/worker-limit';

jest.setTimeout(60_000);

describe("a tenant's workers", () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    program = await Program.start({ databaseUrl: database.url });
  });

  afterAll(async () => {
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  const concurrencyOf = async (tenantId: string): Promise<unknown> =>
    (await program.api.get(`/api/tenants/${tenantId}/config/concurrency`)).body;

  /** Sets the number, and waits until every replica has it: within 2 s, as is promised. */
  async function change(tenantId: string, workers: number): Promise<void> {
    const begun = performance.now();
    const { status, body } = await program.api.setWorkers(tenantId, workers);
    expect({ status, body }).toEqual({ status: 200, body: { tenant_id: tenantId, workers } });
    const withinMs = 2_000 - (performance.now() - begun);
    const applied = { tenant_id: tenantId, workers, workers_applied: workers };
    await eventually(async () => expect(await concurrencyOf(tenantId)).toEqual(applied), {
      withinMs,
    });
  }

  /** A paused tenant: its messages wait in its queue already when its consumer starts. */
  async function tenantWithBacklog(workers: number, messages: number): Promise<string> {
    const tenantId = await program.api.createTenant(workers);
    await program.api.pauseAndWait(tenantId);
    const payloads = Array.from({ length: messages }, (_, number) => number);
    if (messages > 0) await program.api.sendBatch(tenantId, payloads);
    return tenantId;
  }

  it('have one message each and no more, from the first delivery on', async () => {
    const workers = 43;
    const tenantId = await tenantWithBacklog(workers, 50);
    const held = await StoringLock.hold(database, tenantId);
    await program.api.resume(tenantId);

    await eventually(async () => expect(await unsettledByPrefetch(workers)).toBe(workers));
    // RabbitMQ's figure is up to 1.5 s old.
    await throughout(delay(2_000), async () => {
      expect(await broker.queue(tenantId)).toEqual({ ready: 50 - workers, consumers: 1 });
      expect(await unsettledByPrefetch(workers)).toBe(workers);
    });
    await held.release();
    await eventually(async () => expect(await database.stored(tenantId)).toBe(50));
  });

  it('finish what they are at, when there are to be fewer of them', async () => {
    const tenantId = await tenantWithBacklog(6, 50);
    const held = await StoringLock.hold(database, tenantId);
    await program.api.resume(tenantId);
    await eventually(async () => expect((await broker.queue(tenantId))?.ready).toBe(44));

    expect((await program.api.setWorkers(tenantId, 2)).status).toBe(200);
    await throughout(delay(1_000), async () => {
      expect((await broker.queue(tenantId))?.ready).toBe(44);
    });
    await held.release();
    await eventually(async () => expect(await database.stored(tenantId)).toBe(50));
    await eventually(async () => {
      expect(await concurrencyOf(tenantId)).toMatchObject({ workers_applied: 2 });
    });
  });

  it('leave nothing that they finished in the queue, when they stop, be they many with little to do', async () => {
    const tenantId = await tenantWithBacklog(20, 5);
    const held = await StoringLock.hold(database, tenantId);
    await program.api.resume(tenantId);
    await eventually(async () => expect((await broker.queue(tenantId))?.ready).toBe(0));
    await program.api.pause(tenantId);
    await held.release();
    await eventually(async () => {
      expect(await broker.queue(tenantId)).toEqual({ ready: 0, consumers: 0 });
    });
    expect(await database.stored(tenantId)).toBe(5);
  });

  it('are never exceeded while their number changes, and nothing is lost or repeated', async () => {
    const tenantId = await tenantWithBacklog(2, 0);
    const numbers = Array.from({ length: 1_500 }, (_, number) => number);
    // Without an id of its own, a message that was delivered twice would be two rows.
    const messages = numbers.map((number) => ({ tenantId, body: String(number), options: {} }));
    await publishAll(broker, messages);
    await slowDownStoring(database, 25);
    await program.api.resume(tenantId);
    const limit = new WorkerLimit({ tenantId, published: numbers.length, broker, database }, 2);

    await throughout(changeOften(tenantId, limit), () => limit.check());
    expect(limit.most).toBeGreaterThanOrEqual(50);
    await storeAtFullSpeed(database);
    await eventually(async () => {
      expect(await database.stored(tenantId)).toBeGreaterThanOrEqual(numbers.length);
    });
    await program.api.pause(tenantId);
    await eventually(async () => {
      expect(await broker.queue(tenantId)).toEqual({ ready: 0, consumers: 0 });
    });
    const stored = (await program.api.allMessages(tenantId)).map(({ payload }) => payload);
    expect(stored.toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers);
  });

  async function changeOften(tenantId: string, limit: WorkerLimit): Promise<void> {
    for (const workers of [60, 3, 50, 1, 100]) {
      await limit.during(workers, () => change(tenantId, workers));
      await delay(150);
    }
  }

  it('get through more, the more of them there are', async () => {
    const tenantId = await tenantWithBacklog(2, 1_000);
    await slowDownStoring(database, 40);
    await program.api.resume(tenantId);
    const slow = await storedPerSecond(tenantId);
    await change(tenantId, 20);
    const fast = await storedPerSecond(tenantId);
    await storeAtFullSpeed(database);

    // Ten times the workers; much of that remains, however busy the machine is.
    expect(fast / slow).toBeGreaterThan(2.5);
    await eventually(async () => expect(await database.stored(tenantId)).toBe(1_000));
  });

  async function storedPerSecond(tenantId: string): Promise<number> {
    const first = await eventually(async () => {
      const stored = await database.stored(tenantId);
      expect(stored).toBeGreaterThan(0);
      return stored;
    });
    const begun = performance.now();
    await delay(1_200);
    const stored = (await database.stored(tenantId)) - first;
    return stored / ((performance.now() - begun) / 1_000);
  }

  it('are as many after a restart', async () => {
    const tenantId = await program.api.createTenant(3);
    await change(tenantId, 7);
    expect(await program.stop()).toEqual({ code: 0, signal: null });
    program = await Program.start({ databaseUrl: database.url });

    await eventually(async () => {
      const applied = { tenant_id: tenantId, workers: 7, workers_applied: 7 };
      expect(await concurrencyOf(tenantId)).toEqual(applied);
    });
    const tenant = await program.api.tenant(tenantId);
    expect(tenant).toMatchObject({
      workers: 7,
      consumer: { state: 'running', workers_applied: 7 },
    });
  });
});
