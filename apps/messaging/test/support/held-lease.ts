import type { Client } from 'pg';
import type { TestDatabase } from './database';

/** Holds a tenant's lease, so that nobody can let it go until it is released. */
export class HeldLease {
  private constructor(
    private readonly client: Client,
    private readonly database: TestDatabase,
  ) {}

  static async of(database: TestDatabase, tenantId: string): Promise<HeldLease> {
    const client = await database.connect();
    await client.query('BEGIN');
    await client.query('SELECT FROM tenant_leases WHERE tenant_id = $1 FOR UPDATE', [tenantId]);
    return new HeldLease(client, database);
  }

  /** Whether somebody wants to let it go now. */
  async isAwaited(): Promise<boolean> {
    const waiting = await this.database.rows(`
      SELECT FROM pg_stat_activity
      WHERE wait_event_type = 'Lock' AND datname = current_database()
        AND query LIKE '%DELETE FROM tenant_leases%'`);
    return waiting.length > 0;
  }

  async release(): Promise<void> {
    await this.client.end();
  }
}
