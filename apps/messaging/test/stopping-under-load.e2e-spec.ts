import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { account, ALL_ONCE, Load } from './support/load';
import { unacknowledged } from './support/management';
import { Program } from './support/program';

const SHUTDOWN_TIMEOUT_MS = 15_000;

/** Storing takes its time, so that a stop finds messages that are taken and not stored. */
const SLOW_STORING = `
  CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END';
  CREATE TRIGGER take_time BEFORE INSERT ON messages
    FOR EACH STATEMENT EXECUTE FUNCTION take_time();`;

describe('a stop under load', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;
  let tenantIds: string[];

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    program = await start();
    tenantIds = [await program.api.createTenant(50), await program.api.createTenant(50)];
    await database.client.query(SLOW_STORING);
  });

  afterEach(() => Load.stopAll());

  afterAll(async () => {
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  const start = (): Promise<Program> =>
    Program.start({
      databaseUrl: database.url,
      env: { SHUTDOWN_TIMEOUT_MS: String(SHUTDOWN_TIMEOUT_MS) },
    });

  /** Returns in the middle of it: much is accepted, and some of it is not stored yet. */
  async function loadUnderWay(): Promise<Load> {
    const load = new Load(program.api, tenantIds);
    await eventually(async () => {
      expect(load.accepted.length).toBeGreaterThan(300);
      expect((await account(database, load.accepted)).missing).toBeGreaterThan(0);
    });
    return load;
  }

  async function expectAllStoredOnce(accepted: readonly string[]): Promise<void> {
    await eventually(async () => expect(await account(database, accepted)).toEqual(ALL_ONCE));
    for (const tenantId of tenantIds) {
      await eventually(async () => {
        expect(await broker.queue(tenantId)).toEqual({ ready: 0, consumers: 1 });
        expect(await unacknowledged(tenantId)).toBe(0);
      });
    }
  }

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'by %s ends in time with 0, and loses nothing that got a 202',
    async (signal) => {
      const load = await loadUnderWay();
      const began = performance.now();
      program.signal(signal);
      expect(await program.exited).toEqual({ code: 0, signal: null });
      expect(performance.now() - began).toBeLessThan(SHUTDOWN_TIMEOUT_MS);
      await load.stop();

      for (const tenantId of tenantIds) expect(await broker.queue(tenantId)).toBeDefined();
      expect(program.output).not.toMatch(/unhandled/i);
      program = await start();
      await expectAllStoredOnce(load.accepted);
    },
  );

  it('by kill -9 loses nothing that got a 202', async () => {
    const load = await loadUnderWay();
    await program.kill();
    await load.stop();
    program = await start();
    await expectAllStoredOnce(load.accepted);
  });
});
