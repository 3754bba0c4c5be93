import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Environment } from '@app/config';
import { ReservedDatabase } from '@app/database';
import { TenantLeases } from '../src/consumers/tenant-leases';
import { HEARTBEAT_FRESH } from '../src/tenants/consumer-reports';
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
    const environment = Object.assign(new Environment(), { DATABASE_URL: database.url });
    const reserved = new ReservedDatabase(environment);
    const leases = new TenantLeases(reserved);
    const replicaIds = [randomUUID(), randomUUID()];
    const condition = { fit: true, cameInOutage: false };
    for (const replicaId of replicaIds) await leases.beat(replicaId, condition);
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
    reserved.onApplicationShutdown();
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

  it('a replica is heard of while callers keep all its connections busy', async () => {
    const program = await Program.start({
      databaseUrl: database.url,
      env: { DATABASE_POOL_SIZE: '4' },
    });
    const { api } = program;
    const tenantId = await api.createTenant();
    await StoringLock.holdRow(database, tenantId);
    const answers = new Set<number>();
    let over = false;
    const caller = async (): Promise<void> => {
      while (!over) answers.add(await api.setWorkers(tenantId, 2).then(({ status }) => status));
    };
    const callers = Array.from({ length: 10 }, caller);
    const heard: boolean[] = [];
    for (let looks = 0; looks < 70; looks++) {
      await delay(100);
      heard.push(await isHeardOf());
    }
    over = true;
    await Promise.all(callers);
    expect(new Set(heard)).toEqual(new Set([true]));
    expect(answers).toEqual(new Set([503]));
  });

  async function isHeardOf(): Promise<boolean> {
    const [replica] = await database.rows<{ heard: boolean }>(
      `SELECT heartbeat_at > clock_timestamp() - interval '${HEARTBEAT_FRESH}' AS heard FROM replicas`,
    );
    return replica?.heard === true;
  }

  /** By one that nobody else may consume. */
  async function replaceQueue({ api }: Program, tenantId: string): Promise<void> {
    await api.pauseAndWait(tenantId);
    await broker.deleteQueue(tenantId);
    await broker.channel.assertQueue(queueOf(tenantId), { exclusive: true });
    await api.resume(tenantId);
  }
});
