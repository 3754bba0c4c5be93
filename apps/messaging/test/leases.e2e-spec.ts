import { randomUUID } from 'node:crypto';
import { Database, servingOptions } from '@app/database';
import { DataSource } from 'typeorm';
import { TenantLeases } from '../src/consumers/tenant-leases';
import { queueOf, TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { leasesIn } from './support/owners';
import { Program } from './support/program';
import { StoringLock } from './support/storing-lock';
import { takenMessages } from './support/under-way';

const FREE = 20;

describe('leases', () => {
  let database: TestDatabase;
  let broker: TestBroker;

  beforeEach(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
  });

  afterEach(async () => {
    await StoringLock.releaseAll();
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  const start = (): Promise<Program> => Program.start({ databaseUrl: database.url });

  it('two replicas that look at the same moment take different tenants, and all of them', async () => {
    await (await start()).stop();
    const source = await new DataSource(servingOptions(database.url, 4)).initialize();
    const leases = new TenantLeases(new Database(source));
    const replicaIds = [randomUUID(), randomUUID()];
    for (const replicaId of replicaIds) await leases.beat(replicaId, true);
    await database.client.query(
      `INSERT INTO tenants (tenant_id, name, workers, declared_at)
       SELECT gen_random_uuid(), 'tenant ' || n, 1, now() FROM generate_series(1, $1) AS n`,
      [FREE],
    );
    // What each has chosen stands, and is not yet to be seen by the other: its reference to the replica waits.
    const holder = await database.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT FROM replicas FOR UPDATE');
    const balances = replicaIds.map((replicaId) => leases.balance(replicaId));
    await eventually(async () => {
      const waiting = await database.rows(
        `SELECT FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      expect(waiting).toHaveLength(2);
    });
    await holder.end();

    const claimed = (await Promise.all(balances)).map((balance) => balance.claimed);
    await source.destroy();
    expect(claimed.map(({ length }) => length)).toEqual([FREE / 2, FREE / 2]);
    expect(new Set(claimed.flat()).size).toBe(FREE);
  });

  it('a replica that stops lets go at once of what it could not start, however long the rest takes', async () => {
    const stopping = await start();
    const { tenantId: busy, lock } = await takenMessages(stopping, database, broker);
    const stuck = await stopping.api.createTenant();
    await replaceQueue(stopping, stuck);
    // The other one gets half of them, the newest.
    await stopping.api.createTenant();
    await stopping.api.createTenant();
    await start();
    const [mine, theirs] = await eventually(async () => {
      const leases = await leasesIn(database);
      const replicaIds = new Set(leases.values());
      expect([leases.size, replicaIds.size]).toEqual([4, 2]);
      expect(leases.get(stuck)).toBe(leases.get(busy));
      return [leases.get(busy), [...replicaIds].find((id) => id !== leases.get(busy))];
    });

    stopping.signal('SIGTERM');
    await eventually(async () => expect((await leasesIn(database)).get(stuck)).toBe(theirs));
    expect((await leasesIn(database)).get(busy)).toBe(mine);
    await lock.release();
    expect(await stopping.exited).toEqual({ code: 0, signal: null });
  });

  /** By one that nobody else may consume. */
  async function replaceQueue({ api }: Program, tenantId: string): Promise<void> {
    await api.pause(tenantId);
    await eventually(async () => expect((await broker.queue(tenantId))?.consumers).toBe(0));
    await broker.deleteQueue(tenantId);
    await broker.channel.assertQueue(queueOf(tenantId), { exclusive: true });
    await api.resume(tenantId);
  }
});
