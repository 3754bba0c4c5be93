import { partitionOf, type TestDatabase } from './database';

/** Tables that look like a tenant's partition, attached or not; of one tenant, or of all. */
export async function partitionTables(database: TestDatabase, tenantId = ''): Promise<string[]> {
  const rows = await database.rows<{ name: string }>(
    `SELECT relname AS name FROM pg_class
     WHERE relkind = 'r' AND relname ~ '^(messages|dead_letters)_[0-9a-f]{32}$'
       AND right(relname, 32) LIKE $1 ORDER BY relname`,
    [tenantId ? tenantId.replaceAll('-', '') : '%'],
  );
  return rows.map(({ name }) => name);
}

/** The table that a tenant's partition is attached to; null for none. */
export async function parentOf(
  database: TestDatabase,
  tenantId: string,
  table = 'messages',
): Promise<string | null> {
  const [row] = await database.rows<{ parent: string }>(
    'SELECT inhparent::regclass::text AS parent FROM pg_inherits WHERE inhrelid = to_regclass($1)',
    [partitionOf(tenantId, table)],
  );
  return row?.parent ?? null;
}

/** As an administrator might who repairs something. */
export async function detachByHand(database: TestDatabase, tenantId: string): Promise<void> {
  const parent = await parentOf(database, tenantId);
  await database.client.query(`ALTER TABLE ${parent} DETACH PARTITION ${partitionOf(tenantId)}`);
}

/** The same without a lock on the parent; a reader holds it up, and it is cancelled. */
export async function detachHalfway(database: TestDatabase, tenantId: string): Promise<void> {
  const reader = await database.connect();
  await reader.query('BEGIN; SELECT FROM messages LIMIT 1');
  const detaching = await database.connect();
  await detaching.query(`SET statement_timeout = '200ms'`);
  const partition = partitionOf(tenantId);
  const parent = await parentOf(database, tenantId);
  const detach = `ALTER TABLE ${parent} DETACH PARTITION ${partition} CONCURRENTLY`;
  await expect(detaching.query(detach)).rejects.toThrow('statement timeout');
  await Promise.all([detaching.end(), reader.end()]);
  expect(await pendingDetaches(database, tenantId)).toEqual([partition]);
}

/** Those of a tenant's partitions whose detaching has begun and not ended. */
export async function pendingDetaches(database: TestDatabase, tenantId: string): Promise<string[]> {
  const rows = await database.rows<{ name: string }>(
    `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhdetachpending AND right(c.relname, 32) = $1`,
    [tenantId.replaceAll('-', '')],
  );
  return rows.map(({ name }) => name);
}

/** Whether the row of a tenant is there, removed or not. */
export async function hasRow(database: TestDatabase, tenantId: string): Promise<boolean> {
  const rows = await database.rows('SELECT FROM tenants WHERE tenant_id = $1', [tenantId]);
  return rows.length === 1;
}
