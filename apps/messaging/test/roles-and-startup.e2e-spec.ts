import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { Program } from './support/program';

describe('a process', () => {
  let database: TestDatabase;
  let broker: TestBroker;

  beforeEach(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
  });

  afterEach(async () => {
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  const start = (
    env: Record<string, string>,
    until: 'live' | 'ready' = 'ready',
  ): Promise<Program> => Program.start({ databaseUrl: database.url, env, until });

  const migrationsRun = async (): Promise<string[]> =>
    (await database.rows<{ name: string }>('SELECT name FROM migrations')).map(({ name }) => name);

  it('waits for the migrations, says so, and goes on by itself when they are in', async () => {
    const waiting = await start({ MIGRATE_ON_START: 'false' }, 'live');
    const startup = await waiting.api.get('/health/startup');
    expect(startup).toMatchObject({
      status: 503,
      body: { checks: { migrations: { status: 'down' } } },
    });

    await start({ MIGRATE_ON_START: 'true' });
    await eventually(async () => expect(await waiting.api.status('/health/startup')).toBe(200));
    const tenantId = await waiting.api.createTenant();
    const id = await waiting.api.send(tenantId, 'hello');
    await eventually(async () => {
      expect((await waiting.api.messages(tenantId)).data).toMatchObject([{ id }]);
    });
  });

  it('migrates an empty database together with others, once', async () => {
    const replicas = await Promise.all([1, 2, 3].map(() => start({ MIGRATE_ON_START: 'true' })));
    for (const { output } of replicas) expect(output).not.toMatch(/already exists|duplicate key/);
    const names = await migrationsRun();
    expect(names.length).toBeGreaterThan(0);
    expect(names).toEqual([...new Set(names)]);
  });

  it('does what its roles say: one accepts, the other consumes', async () => {
    const api = await start({ ROLES: 'api' });
    const tenantId = await api.api.createTenant(7);
    const id = await api.api.send(tenantId, 'waits');
    expect(await broker.queue(tenantId)).toEqual({ ready: 1, consumers: 0 });
    expect((await api.api.tenant(tenantId)).consumer).toEqual({
      state: 'stopped',
      workers_applied: 0,
      owner: null,
    });

    const consumer = await start({ ROLES: 'consumer' });
    expect(await consumer.api.status('/api/tenants')).toBe(404);
    await eventually(async () => {
      expect((await api.api.messages(tenantId)).data).toMatchObject([{ id }]);
      expect((await api.api.tenant(tenantId)).consumer).toMatchObject({
        state: 'running',
        workers_applied: 7,
      });
    });
    expect((await broker.queue(tenantId))?.consumers).toBe(1);
  });
});
