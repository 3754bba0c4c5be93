import type { Client } from 'pg';
import { partitionOf, type TestDatabase } from './database';

type Mode = 'ACCESS EXCLUSIVE' | 'SHARE';

/** While it is held, storing a tenant's messages waits, or what else it locks. */
export class StoringLock {
  private static readonly held = new Set<StoringLock>();

  private constructor(private readonly client: Client) {
    StoringLock.held.add(this);
  }

  /** Reading them waits as well, unless the mode is `SHARE`. */
  static hold(database: TestDatabase, tenantId: string, mode?: Mode): Promise<StoringLock> {
    return StoringLock.holdTable(database, partitionOf(tenantId), mode);
  }

  /** Of a table that has partitions, it alone. */
  static async holdTable(
    database: TestDatabase,
    table: string,
    mode: Mode = 'ACCESS EXCLUSIVE',
  ): Promise<StoringLock> {
    const client = await database.connect();
    await client.query('BEGIN');
    await client.query(`LOCK TABLE ONLY ${table} IN ${mode} MODE`);
    return new StoringLock(client);
  }

  /** Changing the tenant waits, and nothing else. */
  static async holdRow(database: TestDatabase, tenantId: string): Promise<StoringLock> {
    const client = await database.connect();
    await client.query('BEGIN');
    const text = 'SELECT FROM tenants WHERE tenant_id = $1 FOR NO KEY UPDATE';
    await client.query(text, [tenantId]);
    return new StoringLock(client);
  }

  /** How many statements of others wait for it now. */
  async waiting(): Promise<number> {
    const { rows } = await this.client.query<{ count: number }>(
      // In a transaction, `pg_stat_activity` would stay as it was at the first look.
      `SELECT count(DISTINCT pid)::int AS count FROM pg_locks
       WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))`,
    );
    return rows[0]?.count ?? 0;
  }

  async release(): Promise<void> {
    StoringLock.held.delete(this);
    await this.client.end();
  }

  /** For `afterEach`: what a test that failed still holds would stop the next ones. */
  static async releaseAll(): Promise<void> {
    await Promise.all([...StoringLock.held].map((lock) => lock.release()));
  }
}
