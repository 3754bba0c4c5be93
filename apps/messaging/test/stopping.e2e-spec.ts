import type { ProblemBody } from './support/api';
import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { account, ALL_ONCE } from './support/load';
import { Program, type ProgramOptions } from './support/program';
import { servers } from './support/servers';
import { StoringLock } from './support/storing-lock';
import { TcpProxy } from './support/tcp-proxy';
import { endBy, changeUnderWay, takenMessages } from './support/under-way';

const TIMEOUT_MS = 8_000;

/** Far less than what a stop waits for, and more than a busy machine needs to answer. */
const AT_ONCE_MS = 1_000;

/** As the first of Nest's is: who listens to no signal yet is ended by it. */
const SIGNAL_ON_LOADING = `
  import Module from 'node:module';
  const load = Module._load;
  Module._load = function (name, ...rest) {
    if (name === '@nestjs/core') process.kill(process.pid, 'SIGTERM');
    return load.call(this, name, ...rest);
  };`;

describe('a stop', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
  });

  beforeEach(async () => {
    program = await start(TIMEOUT_MS);
  });

  afterEach(async () => {
    expect(program.output).not.toMatch(/unhandled/i);
    await Program.killAll();
    await StoringLock.releaseAll();
  });

  afterAll(async () => {
    await broker.close();
    await database.drop();
  });

  const start = (timeoutMs: number, options: Partial<ProgramOptions> = {}): Promise<Program> =>
    Program.start({
      databaseUrl: database.url,
      env: { SHUTDOWN_TIMEOUT_MS: String(timeoutMs) },
      ...options,
    });

  async function expectDraining(): Promise<void> {
    const { status, body } = await program.api.get<ProblemBody>('/health/ready');
    expect(status).toBe(503);
    expect(body).toMatchObject({ checks: { draining: { status: 'down' } } });
  }

  it('shows in readiness at once, takes nothing more, and stores and settles what was taken', async () => {
    const { tenantId, lock, ids } = await takenMessages(program, database, broker);
    program.signal('SIGTERM');
    await eventually(expectDraining, { withinMs: AT_ONCE_MS });

    await lock.release();
    expect(await program.exited).toEqual({ code: 0, signal: null });
    expect(await database.stored(tenantId)).toBe(3);
    expect(await broker.queue(tenantId)).toEqual({ ready: 17, consumers: 0 });
    program = await start(TIMEOUT_MS);
    await eventually(async () => expect(await account(database, ids)).toEqual(ALL_ONCE));
  });

  it('answers the request that is under way, and takes no new connection', async () => {
    const { answer, lock } = await changeUnderWay(program, database);
    const exit = endBy(program, 'SIGINT');
    await eventually(async () => expect(await program.api.status('/health/live')).toBe(0));

    expect(await lock.waiting()).toBe(1);
    await lock.release();
    expect((await answer).status).toBe(200);
    expect(await exit).toMatchObject({ code: 0, signal: null });
    expect((await exit).tookMs).toBeLessThan(TIMEOUT_MS);
  });

  it('begins with a signal to npm, which runs it, or to all of a group', async () => {
    await program.kill();
    program = await start(TIMEOUT_MS, { byNpm: true });
    program.signal('SIGTERM');
    expect(await program.exited).toEqual({ code: 0, signal: null });
    await eventually(async () => expect(await program.api.status('/health/live')).toBe(0));
    expect(program.output).toMatch(/SIGTERM: stopping/);

    program = await start(TIMEOUT_MS, { byNpm: true });
    const { answer, lock } = await changeUnderWay(program, database);
    program.signalGroup('SIGINT');
    await eventually(async () => expect(await program.api.status('/health/live')).toBe(0));
    await lock.release();
    expect((await answer).status).toBe(200);
    expect(await program.exited).toEqual({ code: 0, signal: null });
    expect(program.output).not.toMatch(/exiting at once/);
  });

  it('while its modules are still loaded ends it with 0 as well', async () => {
    const urls = { DATABASE_URL: database.url, RABBITMQ_URL: servers().rabbitmqUrl };
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(SIGNAL_ON_LOADING)}`;
    const exit = await Program.refuse({ ...urls, AUTH_MODE: 'off', NODE_OPTIONS });
    expect(exit).toMatchObject({ code: 0, signal: null });
  });

  it('happens at once at the second signal, and what was taken goes back', async () => {
    const { tenantId, ids, lock } = await takenMessages(program, database, broker);
    program.signal('SIGTERM');
    await eventually(expectDraining, { withinMs: AT_ONCE_MS });

    // The same twice within a moment would be one, which npm passed on.
    const { code, signal, tookMs } = await endBy(program, 'SIGINT');
    expect(signal).toBeNull();
    expect(code).toBeGreaterThan(0);
    expect(tookMs).toBeLessThan(AT_ONCE_MS);
    await eventually(async () =>
      expect(await broker.queue(tenantId)).toEqual({ ready: 20, consumers: 0 }),
    );
    await lock.release();
    program = await start(TIMEOUT_MS);
    await eventually(async () => expect(await account(database, ids)).toEqual(ALL_ONCE));
  });

  it('says what was left, and exits with 1, when its time runs out', async () => {
    await program.kill();
    program = await start(2_000);
    const { answer, lock } = await changeUnderWay(program, database);

    const { code, tookMs } = await endBy(program, 'SIGTERM');
    expect(code).toBe(1);
    expect(tookMs).toBeLessThan(2_000);
    expect(program.output).toMatch(/took too long; left: .*request/);
    await expect(answer).rejects.toThrow();
    await lock.release();
  });

  it('says so of messages as well, which a broker that hangs does not take back', async () => {
    await program.kill();
    const proxy = await TcpProxy.start(servers().rabbitmqUrl);
    program = await start(2_000, { rabbitmqUrl: proxy.url });
    await takenMessages(program, database, broker);
    proxy.freeze();

    expect((await endBy(program, 'SIGTERM')).code).toBe(1);
    expect(program.output).toMatch(/took too long; left: 3 messages/);
    await proxy.stop();
  });
});
