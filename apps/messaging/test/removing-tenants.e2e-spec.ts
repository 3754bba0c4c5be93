import type { Client } from 'pg';
import { TestBroker } from './support/broker';
import { partitionOf, TestDatabase } from './support/database';
import { eventually, throughout } from './support/eventually';
import { hasRow, partitionTables } from './support/partitions';
import { sendInVain } from './support/outage';
import { Program } from './support/program';
import { servers } from './support/servers';
import { TcpProxy } from './support/tcp-proxy';
import { timed } from './support/timed';

/** Far less than a question waits for a broker that comes back. */
const AT_ONCE_MS = 1_000;

describe('tenants that are removed', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let proxy: TcpProxy;
  let program: Program;
  const open: Client[] = [];

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    proxy = await TcpProxy.start(servers().rabbitmqUrl);
    program = await Program.start({ databaseUrl: database.url, rabbitmqUrl: proxy.url });
  });

  afterEach(async () => {
    proxy.restore();
    await Promise.all(open.splice(0).map((client) => client.end()));
    await eventually(async () => expect(await program.api.status('/health/ready')).toBe(200));
  });

  afterAll(async () => {
    await Program.killAll();
    await broker.close();
    await proxy.stop();
    await database.drop();
  });

  const createTenants = (count: number): Promise<string[]> =>
    Promise.all(Array.from({ length: count }, () => program.api.createTenant()));

  const expectPartitionsGone = (tenantIds: readonly string[], withinMs = 15_000): Promise<void> =>
    eventually(
      async () => {
        for (const id of tenantIds) expect(await partitionTables(database, id)).toEqual([]);
      },
      { withinMs },
    );

  const expectAllGone = async (tenantIds: readonly string[]): Promise<void> => {
    await expectPartitionsGone(tenantIds);
    await eventually(async () => {
      for (const id of tenantIds) {
        expect(await broker.queue(id)).toBeUndefined();
        expect(await hasRow(database, id)).toBe(false);
      }
    });
  };

  it('do not wait for one whose partition somebody reads for long', async () => {
    const [read = '', ...others] = await createTenants(4);
    const reader = await database.connect();
    open.push(reader);
    await reader.query(`BEGIN; SELECT FROM ${partitionOf(read)}`);
    for (const tenantId of [read, ...others]) await program.api.remove(tenantId);

    await expectAllGone(others);
    expect(await partitionTables(database, read)).toHaveLength(1);
    await reader.query('ROLLBACK');
    await expectAllGone([read]);
  });

  it('do not wait for one whose table cannot be dropped', async () => {
    const [viewed = '', ...others] = await createTenants(3);
    await database.client.query(`CREATE VIEW theirs AS SELECT id FROM ${partitionOf(viewed)}`);
    for (const tenantId of [viewed, ...others]) await program.api.remove(tenantId);

    await expectAllGone(others);
    expect(await hasRow(database, viewed)).toBe(true);
    await database.client.query('DROP VIEW theirs');
    await expectAllGone([viewed]);
  });

  it('go in peace when two replicas see to it at once', async () => {
    const other = await Program.start({ databaseUrl: database.url });
    const removed = await createTenants(30);
    const half = removed.length / 2;
    await Promise.all([
      ...removed.slice(0, half).map((tenantId) => program.api.remove(tenantId)),
      ...removed.slice(half).map((tenantId) => other.api.remove(tenantId)),
    ]);
    await expectAllGone(removed);
    await other.stop();
    for (const { output } of [program, other]) {
      expect(output).not.toMatch(/Removed tenants are not all gone|deadlock/);
    }
  });

  it('lose their partitions while the broker is away, and their queues when it is back', async () => {
    const removed = await createTenants(10);
    proxy.cut();
    await eventually(async () => expect(await program.api.status('/health/ready')).toBe(503));
    for (const tenantId of removed) await program.api.remove(tenantId);
    // One after the other, the partitions waited for a reconnect each: 36 s for ten.
    await expectPartitionsGone(removed, 10_000);
    for (const tenantId of removed) expect(await hasRow(database, tenantId)).toBe(true);

    proxy.restore();
    await expectAllGone(removed);
  });

  it('are told of to who sends for them, while the broker is away and when it is back', async () => {
    const removed = await createTenants(20);
    proxy.cut();
    await eventually(async () => expect(await program.api.status('/health/ready')).toBe(503));
    for (const tenantId of removed) await program.api.remove(tenantId);
    const expectAllTold = async (): Promise<void> => {
      for (const tenantId of removed)
        expect((await sendInVain(program.api, tenantId)).status).toBe(404);
    };
    await expectAllTold();

    proxy.restore();
    await throughout(expectAllGone(removed), expectAllTold);
  });

  it('leave the others to be looked at at once while the broker is away', async () => {
    const [tenantId = ''] = await createTenants(1);
    proxy.cut();
    await eventually(async () => expect(await program.api.status('/health/ready')).toBe(503));
    const { status, body, tookMs } = await timed(program.api.get(`/api/tenants/${tenantId}`));
    expect({ status, body }).toMatchObject({ status: 200, body: { queue: { ready: null } } });
    expect(tookMs).toBeLessThan(AT_ONCE_MS);
  });

  it('and created ones: a connection that is back in a moment is waited for by these alone', async () => {
    proxy.cut();
    await eventually(async () => expect(await program.api.status('/health/ready')).toBe(503));
    const created = program.api.createTenant();
    proxy.restore();
    expect(await program.api.status(`/api/tenants/${await created}`)).toBe(200);
  });
});
