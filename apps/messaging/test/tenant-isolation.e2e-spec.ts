import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { stuckBackend } from './support/backends';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { sampleParentLocks } from './support/parent-locks';
import { partitionTables } from './support/partitions';
import { Program } from './support/program';
import { stallsOfItsOwn, timeEach } from './support/stalls';

const STALL_MS = 50;
const TRANSACTION_MS = 1_000;

const INSERT_MESSAGE = `
  INSERT INTO messages (tenant_id, id, payload, accepted_at)
  VALUES ($1, gen_random_uuid(), '{"a": 1}', now())`;
const INSERT_ELSEWHERE = `
  INSERT INTO elsewhere (tenant_id, id, payload, accepted_at)
  VALUES ($1, gen_random_uuid(), '{"a": 1}', now())`;

describe('tenants that come and go', () => {
  let database: TestDatabase;
  let program: Program;
  const open: Client[] = [];

  beforeAll(async () => {
    database = await TestDatabase.create();
    program = await Program.start({ databaseUrl: database.url });
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.end()));
  });

  afterAll(async () => {
    await Program.killAll();
    await database.drop();
  });

  const connect = async (): Promise<Client> => {
    const client = await database.connect();
    open.push(client);
    return client;
  };

  const expectPartitionsGone = (tenantIds: readonly string[]): Promise<void> =>
    eventually(
      async () => {
        for (const id of tenantIds) expect(await partitionTables(database, id)).toEqual([]);
      },
      { withinMs: 40_000 },
    );

  it('never make the inserts of another one wait', async () => {
    const { api } = program;
    const [busy, bystander] = [await api.createTenant(), await api.createTenant()];
    const removed = await Promise.all([1, 2, 3].map(() => api.createTenant()));
    await database.rows(`CREATE TABLE elsewhere (LIKE messages INCLUDING ALL)`);

    let working = true;
    const goesOn = (): boolean => working;
    const inserting = await connect();
    // PostgreSQL itself fails the insert that waits this long for a lock, whatever the clock here says.
    await inserting.query(`SET lock_timeout = ${STALL_MS}`);
    const transactions = [
      longTransactions(await connect(), busy, 0, goesOn),
      longTransactions(await connect(), busy, TRANSACTION_MS / 2, goesOn),
    ];
    const samples = sampleParentLocks(await connect(), goesOn);
    const inserts = timeEach(inserting, INSERT_MESSAGE, [bystander], goesOn);
    const others = timeEach(await connect(), INSERT_ELSEWHERE, [bystander], goesOn);

    const work = async (): Promise<void> => {
      await eventually(async () => expect(await database.stored(busy)).toBeGreaterThan(0));
      for (const id of removed) {
        await api.remove(id);
        await api.createTenant();
      }
      await expectPartitionsGone(removed);
    };
    await work().finally(() => (working = false));
    await Promise.all(transactions);

    const seen = await samples;
    // The transactions were open, and partitions were attached and detached before our eyes.
    expect(seen.filter(({ users }) => users > 0).length).toBeGreaterThan(100);
    const modes = new Set(seen.flatMap((sample) => sample.modes));
    expect(modes).toContain('ShareUpdateExclusiveLock');
    expect(modes).not.toContain('AccessExclusiveLock');
    expect(seen.flatMap(({ waitingInserts }) => waitingInserts)).toEqual([]);
    expect((await inserts).length).toBeGreaterThan(100);
    expect(stallsOfItsOwn(await inserts, await others, STALL_MS)).toEqual([]);
  });

  it('come while another one cannot go yet, because somebody reads for long', async () => {
    const { api } = program;
    const removed = await api.createTenant();
    const reader = await connect();
    await reader.query('BEGIN; SELECT FROM messages LIMIT 1');
    await api.remove(removed);
    await stuckBackend(database, /DETACH PARTITION .* CONCURRENTLY/);

    const tenantId = await api.createTenant();
    await api.send(tenantId, 'stored meanwhile');
    await eventually(async () => expect(await database.stored(tenantId)).toBe(1));
    expect(await partitionTables(database, removed)).toHaveLength(1);
    await reader.end();
    await expectPartitionsGone([removed]);
  });

  it('may go as soon as they came, and take nobody with them', async () => {
    const { api } = program;
    const bystander = await api.createTenant();
    const lanes = [1, 2, 3, 4].map(async () => {
      for (let n = 0; n < 10; n++) await api.remove(await api.createTenant());
    });
    await Promise.all(lanes);
    await api.send(bystander, 'stored as ever');
    await eventually(async () => expect(await database.stored(bystander)).toBe(1));
    // A consumer that breaks, or a connection that is lost, is said so in the log.
    expect(program.output).not.toContain(`consumer of tenant ${bystander} broke`);
  });
});

/** Keeps a writing transaction open, one after the other, until told to stop. */
async function longTransactions(
  client: Client,
  tenantId: string,
  startAfterMs: number,
  goesOn: () => boolean,
): Promise<void> {
  await delay(startAfterMs);
  while (goesOn()) {
    await client.query('BEGIN');
    await client.query(INSERT_MESSAGE, [tenantId]);
    await delay(TRANSACTION_MS);
    await client.query('COMMIT');
  }
}
