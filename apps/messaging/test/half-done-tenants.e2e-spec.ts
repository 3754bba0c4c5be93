import type { Client } from 'pg';
import type { TenantBody } from './support/api';
import { endBackendsOfKilled, stuckBackend } from './support/backends';
import { TestBroker } from './support/broker';
import { partitionOf, TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { hasRow, partitionTables, pendingDetaches } from './support/partitions';
import { Program } from './support/program';
import { servers } from './support/servers';
import { TcpProxy } from './support/tcp-proxy';

describe('a tenant that is half done when the program is killed', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;
  const open: Client[] = [];

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

  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.end()));
  });

  /** Closed at the latest when the test is over, passed or not. */
  const connect = async (): Promise<Client> => {
    const client = await database.connect();
    open.push(client);
    return client;
  };

  const startAgain = async (): Promise<void> => {
    program = await Program.start({ databaseUrl: database.url });
  };

  /** A tenant with a stored message and a dead letter, so that there are both partitions to take away. */
  const tenantWithMessage = async (): Promise<string> => {
    const tenantId = await program.api.createTenant();
    await broker.publish(tenantId, '{');
    await program.api.send(tenantId, 'to be removed');
    await eventually(async () => {
      expect(await database.stored(tenantId)).toBe(1);
      expect(await partitionTables(database, tenantId)).toHaveLength(2);
    });
    return tenantId;
  };

  const expectAllGone = (tenantId: string): Promise<void> =>
    eventually(async () => {
      expect(await partitionTables(database, tenantId)).toEqual([]);
      expect(await broker.queue(tenantId)).toBeUndefined();
      expect(await hasRow(database, tenantId)).toBe(false);
    });

  const expectWhole = async (tenantId: string): Promise<void> => {
    await eventually(async () =>
      expect(await program.api.tenant(tenantId)).toMatchObject({
        consumer: { state: 'running' },
        queue: { ready: 0 },
      }),
    );
    const before = await database.stored(tenantId);
    await program.api.send(tenantId, 'after the restart');
    await eventually(async () => expect(await database.stored(tenantId)).toBe(before + 1));
  };

  it('was never there, when its creation was not committed', async () => {
    const before = await partitionTables(database);
    const lock = await connect();
    await lock.query('BEGIN; LOCK TABLE messages IN SHARE UPDATE EXCLUSIVE MODE');
    const creation = program.api.request('POST', '/api/tenants', { name: 'cut off' });
    const answered = creation.then(
      () => true,
      () => false,
    );
    // Its row and its table are written, in a transaction that is still open.
    await stuckBackend(database, /ATTACH PARTITION/);
    await program.kill();
    expect(await answered).toBe(false);
    await lock.end();

    await startAgain();
    const { body } = await program.api.get<{ data: TenantBody[] }>('/api/tenants?limit=200');
    expect(body.data.map(({ name }) => name)).not.toContain('cut off');
    await eventually(async () => expect(await partitionTables(database)).toEqual(before));
    await expectWhole(await program.api.createTenant(3, 'cut off'));
  });

  it('gets what it lacks, and loses what it should not have, after a hanging broker', async () => {
    const proxy = await TcpProxy.start(servers().rabbitmqUrl);
    await program.kill();
    program = await Program.start({ databaseUrl: database.url, rabbitmqUrl: proxy.url });
    const removed = await tenantWithMessage();
    proxy.freeze();
    const calls = Promise.allSettled([
      program.api.request('POST', '/api/tenants', { name: 'without a queue' }),
      program.api.request('DELETE', `/api/tenants/${removed}`),
    ]);
    // Both are committed, and the broker has heard of neither.
    const created = await eventually(async () => {
      const committed = await database.rows<{ tenant_id: string; name: string }>(
        `SELECT tenant_id FROM tenants WHERE name = 'without a queue' OR removed_at IS NOT NULL`,
      );
      expect(committed).toHaveLength(2);
      return committed.find(({ tenant_id }) => tenant_id !== removed)?.tenant_id as string;
    });
    await program.kill();
    expect((await calls).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await broker.queue(created)).toBeUndefined();
    expect(await broker.queue(removed)).toBeDefined();
    await proxy.stop();

    await startAgain();
    expect(await program.api.status(`/api/tenants/${removed}`)).toBe(404);
    await expectWhole(created);
    await expectAllGone(removed);
  });

  it('goes away, when it was killed while it detached and the detach was left pending', async () => {
    const tenantId = await tenantWithMessage();
    const reader = await killInDetach(tenantId);
    await reader.end();
    expect(await pendingDetaches(database, tenantId)).toEqual([partitionOf(tenantId)]);

    await startAgain();
    await expectAllGone(tenantId);
    const next = await tenantWithMessage();
    await program.api.remove(next);
    await expectAllGone(next);
  });

  it('keeps nobody waiting, while what is left of its detach waits for a long transaction', async () => {
    const tenantId = await tenantWithMessage();
    const reader = await killInDetach(tenantId);
    await startAgain();
    await stuckBackend(database, /DETACH PARTITION .* FINALIZE/);
    expect(await program.api.status(`/api/tenants/${tenantId}`)).toBe(404);
    await expectWhole(await program.api.createTenant());

    expect(await pendingDetaches(database, tenantId)).toEqual([partitionOf(tenantId)]);
    await reader.end();
    await expectAllGone(tenantId);
  });

  it('goes away, when it was killed between detaching and dropping', async () => {
    const tenantId = await tenantWithMessage();
    await killBeforeDrop('messages', () => program.api.remove(tenantId));
    expect(await partitionTables(database, tenantId)).toHaveLength(2);
    expect(await hasRow(database, tenantId)).toBe(true);

    await startAgain();
    await expectAllGone(tenantId);
  });

  it('goes away, when somebody deleted its row by hand', async () => {
    const tenantId = await tenantWithMessage();
    await program.kill();
    await database.rows('DELETE FROM tenants WHERE tenant_id = $1', [tenantId]);
    expect(await partitionTables(database, tenantId)).toHaveLength(2);

    await startAgain();
    expect(await program.api.status(`/api/tenants/${tenantId}`)).toBe(404);
    await expectAllGone(tenantId);
  });

  it('goes away, when its row was deleted by hand and it was detached already', async () => {
    const tenantId = await tenantWithMessage();
    await killBeforeDrop('dead_letters', async () => {
      await database.rows('DELETE FROM tenants WHERE tenant_id = $1', [tenantId]);
    });
    expect(await partitionTables(database, tenantId)).toHaveLength(1);

    await startAgain();
    await expectAllGone(tenantId);
  });

  it('gets its queue and its consumer back, when the queue went while the program was dead', async () => {
    const tenantId = await tenantWithMessage();
    await program.kill();
    await broker.deleteQueue(tenantId);
    expect(await broker.queue(tenantId)).toBeUndefined();

    await startAgain();
    await expectWhole(tenantId);
    expect(await broker.queue(tenantId)).toEqual({ ready: 0, consumers: 1 });
  });

  /** @returns the connection whose open transaction keeps the detach pending */
  async function killInDetach(tenantId: string): Promise<Client> {
    const reader = await connect();
    await reader.query('BEGIN; SELECT FROM messages LIMIT 1');
    await program.api.remove(tenantId);
    await stuckBackend(database, /DETACH PARTITION .* CONCURRENTLY/);
    await program.kill();
    await endBackendsOfKilled(database);
    expect(await pendingDetaches(database, tenantId)).toEqual([partitionOf(tenantId)]);
    return reader;
  }

  /** Makes dropping a partition of `table` wait before it begins, and kills the program there. */
  async function killBeforeDrop(table: string, remove: () => Promise<void>): Promise<void> {
    const gate = await connect();
    await gate.query(`
      CREATE FUNCTION wait_at_gate() RETURNS event_trigger LANGUAGE plpgsql
        AS $$BEGIN
          IF current_query() LIKE '%${table}%' THEN PERFORM pg_advisory_xact_lock(4711); END IF;
        END$$;
      CREATE EVENT TRIGGER gate ON ddl_command_start
        WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION wait_at_gate();
      SELECT pg_advisory_lock(4711);`);
    await remove();
    await stuckBackend(database, /DROP TABLE/);
    await program.kill();
    await endBackendsOfKilled(database);
    await gate.query('DROP EVENT TRIGGER gate; DROP FUNCTION wait_at_gate');
    await gate.end();
  }
});
