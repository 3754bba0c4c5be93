import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { Program } from './support/program';

const TENANTS = 60;

/** Some seconds of publishing: thirty times as many messages as there are tenants. */
const ROUNDS = 30;

describe('changes of limits', () => {
  let database: TestDatabase;
  let program: Program;

  beforeAll(async () => {
    database = await TestDatabase.create();
    program = await Program.start({ databaseUrl: database.url });
  });

  afterAll(async () => {
    await Program.killAll();
    await database.drop();
  });

  const send = async (tenantId: string): Promise<number> => {
    const path = `/api/tenants/${tenantId}/messages`;
    return (await program.api.request('POST', path, { payload: 1 })).status;
  };

  it('are noticed whoever makes them: a release before this one, or a person', async () => {
    const tenantId = await program.api.createTenant();
    const set = (backlog: string): Promise<unknown> =>
      database.client.query(`UPDATE tenants SET max_backlog = ${backlog} WHERE tenant_id = $1`, [
        tenantId,
      ]);
    await program.api.pause(tenantId);
    expect([await send(tenantId), await send(tenantId)]).toEqual([202, 202]);
    await set('1');
    await eventually(async () => expect(await send(tenantId)).toBe(429));
    await set('NULL');
    await eventually(async () => expect(await send(tenantId)).toBe(202));
  });

  it('are asked for once a second, however many tenants publish', async () => {
    const tenantIds = await Promise.all(
      Array.from({ length: TENANTS }, () => program.api.createTenant()),
    );
    const before = await questions();
    const start = performance.now();
    for (let round = 0; round < ROUNDS; round++) {
      const answers = await Promise.all(tenantIds.map(send));
      expect(new Set(answers)).toEqual(new Set([202]));
    }
    const seconds = (performance.now() - start) / 1_000;
    await eventually(async () => expect(await questions()).toBeGreaterThan(before));
    expect((await questions()) - before).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
  });

  /** A connection tells of what it did a second later. */
  async function questions(): Promise<number> {
    const [row] = await database.rows<{ scans: number }>(`
      SELECT (coalesce(seq_scan, 0) + coalesce(idx_scan, 0))::int AS scans
      FROM pg_stat_user_tables WHERE relname = 'limit_changes'`);
    return row?.scans ?? 0;
  }
});
