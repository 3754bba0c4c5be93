import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { codeOf, OwnerDatabase, sqlState, UNHURRIED_MS } from '@app/database';
import type { PoolClient, QueryConfig } from 'pg';

/** The tables that have a partition per tenant. */
export const PARTITIONED = ['messages', 'dead_letters'] as const;
export type Partitioned = (typeof PARTITIONED)[number];

/**
 * What a tenant has from the beginning; the others come with their first row. At thousands of tenants
 * an ATTACH takes most of the time that a tenant's creation does, and few have dead letters.
 */
const FROM_THE_BEGINNING: readonly Partitioned[] = ['messages'];

/** A waiting ATTACH must not make others wait behind it for long. */
const LOCK_TIMEOUT = `SET LOCAL lock_timeout = '2s'`;
const ATTEMPTS = 8;

export const partitionOf = (table: Partitioned, tenantId: string): string =>
  `${table}_${tenantId.replaceAll('-', '')}`;

/**
 * Makes the tenants' partitions; `partition-removal` takes them away. `CREATE TABLE … PARTITION OF` and `DROP TABLE` of a partition
 * lock the parent for everybody; `ATTACH` and `DETACH … CONCURRENTLY` take SHARE UPDATE EXCLUSIVE,
 * which neither reads nor inserts wait for. They are what is used here, and nothing else.
 *
 * https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE
 */
@Injectable()
export class TenantPartition {
  /** Those locks exclude each other: who waits for one waits here, without a connection. */
  private previous: Promise<unknown> = Promise.resolve();

  constructor(private readonly database: OwnerDatabase) {}

  /**
   * Creates a tenant's partitions and whatever `before` does, in one transaction: either all of it
   * is there, or nothing. Tried again when another's lock or a deadlock was in the way.
   */
  createWith<Result>(
    tenantId: string,
    before: (client: PoolClient) => Promise<Result>,
  ): Promise<Result> {
    return this.oneAtATime(() =>
      withRetries(() =>
        this.database.transaction(async (client) => {
          await client.query(LOCK_TIMEOUT);
          const result = await before(client);
          await client.query(attach(tenantId, FROM_THE_BEGINNING));
          return result;
        }),
      ),
    );
  }

  /** Creates those partitions of a living tenant that are not there, or not any more. */
  async restore(tenantId: string): Promise<void> {
    for (const table of PARTITIONED) {
      await this.oneAtATime(() => this.restoreOne(table, tenantId));
    }
  }

  /** Those of some tenants that have no partition for messages. */
  async missing(tenantIds: readonly string[]): Promise<string[]> {
    return this.database.onOneConnection(async (client) => {
      const { rows } = await client.query<{ tenant_id: string }>(MISSING, [tenantIds]);
      return rows.map((row) => row.tenant_id);
    });
  }

  /** Tenants that have a table and no row: what is left when a row was deleted by hand. */
  async orphans(): Promise<string[]> {
    return this.database.onOneConnection(async (client) => {
      const { rows } = await client.query<{ tenant_id: string }>(ORPHANS);
      return rows.map((row) => row.tenant_id);
    });
  }

  private async restoreOne(table: Partitioned, tenantId: string): Promise<void> {
    await this.database.transaction(async (client) => {
      if (await isAttached(client, table, partitionOf(table, tenantId))) return;
      await client.query(LOCK_TIMEOUT);
      await client.query(attach(tenantId, [table]));
    });
  }

  private oneAtATime<Result>(work: () => Promise<Result>): Promise<Result> {
    const next = this.previous.then(work);
    this.previous = next.catch(() => undefined);
    return next;
  }
}

/** What `pg` takes and its types do not name. */
interface TimedQuery extends QueryConfig {
  readonly query_timeout: number;
}

function attach(tenantId: string, tables: readonly Partitioned[]): TimedQuery {
  const text = tables.map((table) => attachSql(table, tenantId)).join('');
  return { text, query_timeout: UNHURRIED_MS };
}

/** LIKE with an identity column would make ATTACH fail on PostgreSQL 18. */
function attachSql(table: Partitioned, tenantId: string): string {
  const partition = partitionOf(table, tenantId);
  return `
    CREATE TABLE IF NOT EXISTS ${partition} (LIKE ${table} INCLUDING ALL EXCLUDING IDENTITY);
    ALTER TABLE ${table} ATTACH PARTITION ${partition} FOR VALUES IN ('${tenantId}');`;
}

async function isAttached(
  client: PoolClient,
  table: Partitioned,
  partition: string,
): Promise<boolean> {
  const { rowCount } = await client.query(ATTACHED, [table, partition]);
  return rowCount === 1;
}

const ATTACHED = `
  SELECT 1 FROM pg_inherits
  WHERE inhparent = $1::regclass AND inhrelid = to_regclass($2)`;

const MISSING = `
  SELECT tenant_id::text FROM unnest($1::uuid[]) AS t (tenant_id)
  WHERE NOT EXISTS (
    SELECT FROM pg_inherits
    WHERE inhparent = 'messages'::regclass AND NOT inhdetachpending
      AND inhrelid = to_regclass('messages_' || replace(tenant_id::text, '-', ''))
  )`;

/** The tables, attached or not, carry their tenant's id, without its dashes, as the end of their name. */
const ORPHANS = `
  SELECT DISTINCT right(c.relname, 32)::uuid::text AS tenant_id
  FROM pg_class c JOIN pg_class parent ON parent.oid = 'messages'::regclass
  WHERE c.relkind = 'r' AND c.relnamespace = parent.relnamespace
    AND c.relname ~ '^(messages|dead_letters)_[0-9a-f]{32}$'
    AND NOT EXISTS (SELECT 1 FROM tenants t WHERE t.tenant_id = right(c.relname, 32)::uuid)`;

const TRY_AGAIN: readonly (string | undefined)[] = [
  sqlState.lockNotAvailable,
  sqlState.deadlockDetected,
];

async function withRetries<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS || !TRY_AGAIN.includes(codeOf(error))) throw error;
      // Jitter, so that those who met do not meet again.
      await delay(Math.random() * 50 * attempt);
    }
  }
}
