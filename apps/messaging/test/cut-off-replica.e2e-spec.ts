import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually, throughout } from './support/eventually';
import { Program } from './support/program';
import { slowDownStoring, storeAtFullSpeed } from './support/slow-storing';
import { TcpProxy } from './support/tcp-proxy';
import { WorkerLimit } from './support/worker-limit';

jest.setTimeout(60_000);

const WORKERS = 3;
const BACKLOG = 60;

const afterKill = { withinMs: 10_000 };

describe('when one replica alone loses its database', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let proxy: TcpProxy;
  let other: Program;
  let cutOff: Program;
  let tenantId: string;
  let limit: WorkerLimit;

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    proxy = await TcpProxy.start(database.url);
  });

  /** The tenant is its own before there is another; and it has messages under way, and more that wait. */
  beforeEach(async () => {
    proxy.restore();
    cutOff = await Program.start({ databaseUrl: proxy.url });
    tenantId = await cutOff.api.createTenant(WORKERS);
    await eventually(async () => {
      expect((await cutOff.api.tenant(tenantId)).consumer.state).toBe('running');
    });
    other = await Program.start({ databaseUrl: database.url });
    await slowDownStoring(database, 250);
    await cutOff.api.sendBatch(tenantId, [...Array(BACKLOG).keys()]);
    limit = new WorkerLimit({ tenantId, published: BACKLOG, broker, database }, WORKERS);
    await eventually(async () => {
      await limit.check();
      expect(limit.most).toBe(WORKERS);
    });
  });

  afterEach(async () => {
    await Program.killAll();
    await storeAtFullSpeed(database);
  });

  afterAll(async () => {
    await proxy.stop();
    await broker.close();
    await database.drop();
  });

  const owner = async (): Promise<string | null> =>
    (await other.api.tenant(tenantId)).consumer.owner;

  /** Messages were stored since this was called: somebody consumes. */
  async function expectProgress(): Promise<void> {
    const before = await database.stored(tenantId);
    await eventually(
      async () => expect(await database.stored(tenantId)).toBeGreaterThan(before + WORKERS),
      afterKill,
    );
  }

  async function expectAllStoredOnce(): Promise<void> {
    await storeAtFullSpeed(database);
    await eventually(async () => expect(await database.stored(tenantId)).toBe(BACKLOG));
    await eventually(async () => {
      expect(await broker.queue(tenantId)).toMatchObject({ ready: 0, consumers: 1 });
    });
  }

  it.each(['cut', 'freeze'] as const)(
    'its tenants go on at another within 10 s, and never exceed their workers (%s)',
    async (fault) => {
      const before = await owner();
      proxy[fault]();
      await throughout(expectProgress(), () => limit.check());
      expect(await owner()).not.toBe(before);
      await throughout(cutOff.stop(), () => limit.check());
      expect(await cutOff.exited).toEqual({ code: 0, signal: null });
      await throughout(expectAllStoredOnce(), () => limit.check());
    },
  );

  it.each(['cut', 'freeze'] as const)(
    'stopping in that moment, it leaves nothing under way beside what the next one takes (%s)',
    async (fault) => {
      proxy[fault]();
      const stopped = cutOff.stop();
      await throughout(Promise.all([stopped, expectProgress()]), () => limit.check());
      expect(await stopped).toEqual({ code: 0, signal: null });
      await throughout(expectAllStoredOnce(), () => limit.check());
    },
  );

  it('what it had under way is stored once when its database is there again', async () => {
    proxy.freeze();
    await throughout(expectProgress(), () => limit.check());
    proxy.restore();
    await throughout(expectAllStoredOnce(), () => limit.check());
    expect(await cutOff.stop()).toEqual({ code: 0, signal: null });
  });
});
