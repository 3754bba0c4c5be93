import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import {
  type GroupedTable,
  groupOfTenant,
  isLockedOut,
  OwnerDatabase,
  UNHURRIED_MS,
} from '@app/database';
import type { PoolClient, QueryConfig } from 'pg';

/** The tables that have a partition per tenant. */
export const PARTITIONED: readonly GroupedTable[] = ['messages', 'dead_letters'];

/** What a tenant has from the beginning; the other comes with its first row: few have dead letters. */
const FROM_THE_BEGINNING: GroupedTable = 'messages';

/** A waiting ATTACH must not make others wait behind it for long. */
const LOCK_TIMEOUT = `SET LOCAL lock_timeout = '2s'`;
const ATTEMPTS = 8;

export const partitionOf = (table: GroupedTable, tenantId: string): string =>
  `${table}_${tenantId.replaceAll('-', '')}`;

/**
 * Makes the tenants' partitions, each in its group; `partition-removal` takes them away. `CREATE TABLE
 * … PARTITION OF` and `DROP TABLE` of a partition lock the parent for everybody; `ATTACH` and `DETACH
 * … CONCURRENTLY` take SHARE UPDATE EXCLUSIVE on the group, which neither reads nor inserts wait for.
 * They are what is used here, and nothing else.
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
          await attach(client, FROM_THE_BEGINNING, tenantId);
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

  private async restoreOne(table: GroupedTable, tenantId: string): Promise<void> {
    const partition = partitionOf(table, tenantId);
    await this.database.transaction(async (client) => {
      const { parent, pending } = await attachmentOf(client, partition);
      if (parent !== null && !pending) return;
      await client.query(LOCK_TIMEOUT);
      if (pending)
        await client.query(`ALTER TABLE ${parent} DETACH PARTITION ${partition} FINALIZE`);
      await attach(client, table, tenantId);
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

async function attach(client: PoolClient, table: GroupedTable, tenantId: string): Promise<void> {
  const { rows } = await client.query<{ group: string }>(
    `SELECT ${groupOfTenant(table, '$1::uuid')} AS group`,
    [tenantId],
  );
  const text = attachSql(table, rows[0]?.group ?? '', tenantId);
  const unhurried: TimedQuery = { text, query_timeout: UNHURRIED_MS };
  await client.query(unhurried);
}

/** LIKE with an identity column would make ATTACH fail on PostgreSQL 18. */
function attachSql(table: GroupedTable, group: string, tenantId: string): string {
  const partition = partitionOf(table, tenantId);
  return `
    CREATE TABLE IF NOT EXISTS ${partition} (LIKE ${table} INCLUDING ALL EXCLUDING IDENTITY);
    ALTER TABLE ${group} ATTACH PARTITION ${partition} FOR VALUES IN ('${tenantId}');`;
}

interface Attachment {
  /** Null for a table that is attached to none, and for none at all. */
  readonly parent: string | null;
  /** Somebody's `DETACH … CONCURRENTLY` was interrupted: it counts for nothing any more, and is in the way. */
  readonly pending: boolean;
}

async function attachmentOf(client: PoolClient, partition: string): Promise<Attachment> {
  const { rows } = await client.query<Attachment>(ATTACHMENT, [partition]);
  return rows[0] ?? { parent: null, pending: false };
}

const ATTACHMENT = `
  SELECT inhparent::regclass::text AS parent, inhdetachpending AS pending
  FROM pg_inherits WHERE inhrelid = to_regclass($1)`;

const MISSING = `
  SELECT tenant_id::text FROM unnest($1::uuid[]) AS t (tenant_id)
  WHERE NOT EXISTS (
    SELECT FROM pg_inherits
    WHERE NOT inhdetachpending
      AND inhrelid = to_regclass('messages_' || replace(tenant_id::text, '-', ''))
  )`;

/** The tables, attached or not, carry their tenant's id, without its dashes, as the end of their name. */
const ORPHANS = `
  SELECT DISTINCT right(c.relname, 32)::uuid::text AS tenant_id
  FROM pg_class c JOIN pg_class parent ON parent.oid = 'messages'::regclass
  WHERE c.relkind = 'r' AND c.relnamespace = parent.relnamespace
    AND c.relname ~ '^(messages|dead_letters)_[0-9a-f]{32}$'
    AND NOT EXISTS (SELECT 1 FROM tenants t WHERE t.tenant_id = right(c.relname, 32)::uuid)`;

async function withRetries<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS || !isLockedOut(error)) throw error;
      // Jitter, so that those who met do not meet again.
      await delay(Math.random() * 50 * attempt);
    }
  }
}
