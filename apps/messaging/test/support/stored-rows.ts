import type { Client } from 'pg';
import type { TestDatabase } from './database';

/** Stores a message as a writer of the program would, in whatever transaction `client` is in. */
export async function storeRow(client: Client, tenantId: string, payload: unknown): Promise<void> {
  await client.query(
    `INSERT INTO messages (tenant_id, id, payload, accepted_at)
     VALUES ($1, gen_random_uuid(), $2, now())`,
    [tenantId, JSON.stringify(payload)],
  );
}

/** Stores `count` messages with payloads 1 to `count`, all in one transaction and of one moment. */
export async function storeRows(
  database: TestDatabase,
  tenantId: string,
  count: number,
): Promise<void> {
  await database.rows(
    `INSERT INTO messages (tenant_id, id, payload, accepted_at, stored_at)
     SELECT $1, gen_random_uuid(), to_jsonb(n), '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'
     FROM generate_series(1, $2::int) n`,
    [tenantId, count],
  );
}
