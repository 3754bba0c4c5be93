import type { ConsumeMessage } from 'amqplib';
import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { account, ALL_ONCE } from './support/load';
import { Program, type ProgramOptions } from './support/program';
import { servers } from './support/servers';
import { StoringLock } from './support/storing-lock';
import { TcpProxy } from './support/tcp-proxy';
import { endBy, takenMessages } from './support/under-way';

const TIMEOUT_MS = 10_000;
const WORKERS = 3;
const SENT = 10;

/** Who migrates holds it. */
const MIGRATION_LOCK = 7_301_401;

/** How often a queue says that it delivered a message before. */
const deliveriesOf = ({ properties }: ConsumeMessage): number =>
  Number(properties.headers?.['x-delivery-count'] ?? 0);

describe('a stop ends in time with 0', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let proxies: TcpProxy[];

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    proxies = await Promise.all([
      TcpProxy.start(database.url),
      TcpProxy.start(servers().rabbitmqUrl),
    ]);
  });

  afterEach(async () => {
    await Program.killAll();
    await StoringLock.releaseAll();
    for (const proxy of proxies) proxy.restore();
  });

  afterAll(async () => {
    for (const proxy of proxies) await proxy.stop();
    await broker.close();
    await database.drop();
  });

  function start(options: Partial<ProgramOptions> = {}): Promise<Program> {
    const [toDatabase, toBroker] = proxies as [TcpProxy, TcpProxy];
    const env = { SHUTDOWN_TIMEOUT_MS: String(TIMEOUT_MS) };
    const urls = { databaseUrl: toDatabase.url, rabbitmqUrl: toBroker.url };
    return Program.start({ ...urls, env, ...options });
  }

  async function expectInTime(program: Program): Promise<void> {
    const { tookMs, ...exit } = await endBy(program, 'SIGTERM');
    expect(exit).toEqual({ code: 0, signal: null });
    expect(tookMs).toBeLessThan(TIMEOUT_MS);
    expect(program.output).not.toMatch(/unhandled/i);
  }

  it.each(['answers', 'hangs'])(
    'while another replica migrates, and the database %s',
    async (how) => {
      const migrating = await database.connect();
      await migrating.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
      const program = await start({ until: 'live' });
      await eventually(async () => {
        const text = `SELECT FROM pg_stat_activity WHERE query LIKE '%advisory_lock%' AND pid <> $1`;
        const { rowCount } = await migrating.query(`${text} AND datname = current_database()`, [
          Reflect.get(migrating, 'processID'),
        ]);
        expect(rowCount).toBe(1);
      });
      if (how === 'hangs') proxies[0]?.freeze();
      await expectInTime(program);
      await migrating.end();
    },
  );

  it('when storing hangs: what was taken goes back, and is stored once after the next start', async () => {
    const program = await start();
    const { tenantId, ids, lock } = await takenMessages(program, database, broker);
    await expectInTime(program);
    await eventually(async () =>
      expect(await broker.queue(tenantId)).toEqual({ ready: 20, consumers: 0 }),
    );

    await lock.release();
    await start();
    await eventually(async () => expect(await account(database, ids)).toEqual(ALL_ONCE));
  });

  it('when nothing can be stored: what was taken goes back once, and comes to nobody in between', async () => {
    const program = await start();
    const tenantId = await program.api.createTenant(WORKERS);
    await eventually(async () => expect((await broker.queue(tenantId))?.consumers).toBe(1));
    await database.client.query('ALTER TABLE messages RENAME TO lost');
    await program.api.sendBatch(tenantId, [...Array(SENT).keys()]);
    await eventually(() => expect(program.output).toContain('Not stored yet'));
    // To leave takes as long as it may.
    const lock = await StoringLock.holdTable(database, 'replicas');
    await expectInTime(program);
    await lock.release();
    await database.client.query('ALTER TABLE lost RENAME TO messages');

    const back = await broker.waiting(tenantId, SENT);
    expect(back.map(deliveriesOf).filter((count) => count > 1)).toEqual([]);
  });

  it('when the broker hangs, and with it the closing of its connections', async () => {
    const program = await start();
    const { lock } = await takenMessages(program, database, broker);
    proxies[1]?.freeze();
    await lock.release();
    await expectInTime(program);
  });

  it.each(['cut', 'freeze'] as const)(
    'when neither database nor broker was ever there (%s)',
    async (fault) => {
      for (const proxy of proxies) proxy[fault]();
      await expectInTime(await start({ until: 'live' }));
    },
  );
});
