import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { Program } from './support/program';
import { parentOf } from './support/partitions';
import { slowDownStoring, storeAtFullSpeed } from './support/slow-storing';
import { StoringLock } from './support/storing-lock';

const LARGE_WORKERS = 100;
const FLOODING = 40;
/** A few for each worker. */
const FLOOD = 300;

describe('fairness', () => {
  let database: TestDatabase;
  let program: Program;

  beforeAll(async () => {
    database = await TestDatabase.create();
    program = await Program.start({ databaseUrl: database.url });
  });

  afterEach(async () => {
    await StoringLock.releaseAll();
    await storeAtFullSpeed(database);
  });

  afterAll(async () => {
    await Program.killAll();
    await database.drop();
  });

  /** A large tenant whose queue is full, and who is paused. */
  async function flooded(): Promise<string> {
    const tenantId = await program.api.createTenant(LARGE_WORKERS);
    await program.api.pauseAndWait(tenantId);
    const payloads = Array.from({ length: FLOOD }, (_, number) => number);
    await program.api.sendBatch(tenantId, payloads);
    return tenantId;
  }

  const storedOf = async (tenantIds: readonly string[]): Promise<number> => {
    const text = 'SELECT count(*)::int AS count FROM messages WHERE tenant_id = ANY($1::uuid[])';
    const [row] = await database.rows<{ count: number }>(text, [tenantIds]);
    return row?.count ?? 0;
  };

  const lastBatch = async (tenantId?: string): Promise<string> => {
    const [row] = await database.rows<{ xid: string }>(
      `SELECT max(stored_xid::text::bigint) AS xid FROM messages
       WHERE $1::uuid IS NULL OR tenant_id = $1`,
      [tenantId],
    );
    return String(row?.xid);
  };

  it('lets one message through at its turn, however many others have thousands in hand', async () => {
    const { api } = program;
    const late = await api.createTenant(LARGE_WORKERS);
    const flooding: string[] = [];
    while (flooding.length < FLOODING) flooding.push(await flooded());
    await slowDownStoring(database, 100);
    await Promise.all(flooding.map((tenantId) => api.resume(tenantId)));
    await eventually(async () => expect(await storedOf(flooding)).toBeGreaterThan(1_000));

    await api.send(late, 'one');
    const before = await lastBatch();
    await eventually(async () => expect((await api.messages(late)).data).toHaveLength(1));
    const [row] = await database.rows<{ batches: number }>(
      `SELECT count(DISTINCT stored_xid::text)::int AS batches FROM messages
       WHERE stored_xid::text::bigint > $1 AND stored_xid::text::bigint < $2`,
      [before, await lastBatch(late)],
    );
    // The one that was under way, and another one that may have begun before the message came. All
    // that the others had in hand before it would be eight.
    expect(row?.batches).toBeLessThanOrEqual(3);
    expect(await storedOf(flooding)).toBeLessThan(FLOODING * FLOOD);
  });

  it('stores what a small tenant has while a batch of the large ones is held up', async () => {
    const { api } = program;
    const large = await flooded();
    // Its whole group, which is no tenant's own matter: it would wait apart for its partition alone.
    const group = String(await parentOf(database, large));
    const small = await tenantOutsideOf(group);
    const lock = await StoringLock.holdTable(database, group, 'SHARE');
    await api.resume(large);
    await eventually(async () => expect(await lock.waiting()).toBeGreaterThan(0));

    await api.send(small, 'one');
    await eventually(async () => expect((await api.messages(small)).data).toHaveLength(1));
    expect(await storedOf([large])).toBe(0);

    await lock.release();
    await eventually(async () => expect(await storedOf([large])).toBe(FLOOD));
  });

  async function tenantOutsideOf(group: string): Promise<string> {
    for (;;) {
      const tenantId = await program.api.createTenant();
      if ((await parentOf(database, tenantId)) !== group) return tenantId;
    }
  }
});
