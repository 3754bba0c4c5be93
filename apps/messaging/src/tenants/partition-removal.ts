import { Injectable, Logger } from '@nestjs/common';
import { codeOf, isDatabaseUnavailable, OwnerDatabase, sqlState } from '@app/database';
import type { PoolClient } from 'pg';
import { aboutTenant } from '../about-tenant';
import { PARTITIONED, partitionOf } from './tenant-partition';

/** The lock among all who detach: PostgreSQL allows one pending detach per parent. */
const DETACH_LOCK = 7_301_402;

/**
 * Detaching waits for the transactions that are under way, a backup's for minutes, and whoever
 * creates a tenant meanwhile waits for the detach. So it gives up soon, and is finished later.
 */
const DETACH_TIMEOUT = `SET statement_timeout = '1s'`;

export interface Removed {
  /** Tenants of which no partition is left. */
  readonly gone: ReadonlySet<string>;
  /** A transaction is in the way of every detach: do not begin another one now. */
  readonly stuck: boolean;
}

type Removal =
  | 'gone'
  /** Somebody is at its table. The others' can go. */
  | 'in use'
  /** A detach waits for a transaction that is older, and each other one would wait behind it. */
  | 'stuck';

const NOTHING: Removed = { gone: new Set(), stuck: false };

/** Takes the partitions of removed tenants away, so that neither reads nor inserts wait for it. */
@Injectable()
export class PartitionRemoval {
  private readonly logger = new Logger(PartitionRemoval.name);

  constructor(private readonly database: OwnerDatabase) {}

  /**
   * Detaches and drops the partitions of these tenants, one after the other under one lock. Can be
   * interrupted anywhere and called again; does nothing while another replica is at it.
   */
  remove(tenantIds: readonly string[]): Promise<Removed> {
    return this.database.onOneConnection(async (client) => {
      if (!(await tryLock(client))) return NOTHING;
      await client.query(DETACH_TIMEOUT);
      const removed = await this.removeEach(client, tenantIds);
      await client.query('RESET statement_timeout');
      await client.query('SELECT pg_advisory_unlock($1)', [DETACH_LOCK]);
      return removed;
    });
  }

  private async removeEach(client: PoolClient, tenantIds: readonly string[]): Promise<Removed> {
    const gone = new Set<string>();
    if (!(await finalizePending(client))) return { gone, stuck: true };
    for (const tenantId of tenantIds) {
      const removal = await this.tryOne(client, tenantId);
      if (removal === 'stuck') return { gone, stuck: true };
      if (removal === 'gone') gone.add(tenantId);
    }
    return { gone, stuck: false };
  }

  /** What is wrong with one tenant's tables (a view of somebody's on them, say) stops no other. */
  private async tryOne(client: PoolClient, tenantId: string): Promise<Removal> {
    try {
      return await removeOne(client, tenantId);
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error;
      const text = `The tables of removed tenant ${tenantId} stay for now: ${String(error)}`;
      this.logger.warn(aboutTenant(tenantId, text));
      return 'in use';
    }
  }
}

async function removeOne(client: PoolClient, tenantId: string): Promise<Removal> {
  for (const table of PARTITIONED) {
    const partition = partitionOf(table, tenantId);
    const { parent, held } = await look(client, partition);
    // A detach that has begun would wait for it, and all others behind that.
    if (held) return 'in use';
    if (parent !== null) {
      const detach = `ALTER TABLE ${parent} DETACH PARTITION ${partition} CONCURRENTLY`;
      if (!(await inTime(client, detach))) return 'stuck';
    }
    if (!(await inTime(client, `DROP TABLE IF EXISTS ${partition}`))) return 'in use';
  }
  return 'gone';
}

async function tryLock(client: PoolClient): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(
    'SELECT pg_try_advisory_lock($1) AS locked',
    [DETACH_LOCK],
  );
  return rows[0]?.locked === true;
}

/** A detach that was interrupted blocks all others until it is finished. */
async function finalizePending(client: PoolClient): Promise<boolean> {
  const { rows } = await client.query<{ parent: string; partition: string }>(PENDING, [
    PARTITIONED,
  ]);
  for (const { parent, partition } of rows) {
    const finalize = `ALTER TABLE ${parent} DETACH PARTITION ${partition} FINALIZE`;
    if (!(await inTime(client, finalize))) return false;
  }
  return true;
}

/** @returns false when it had to wait for longer than it may */
async function inTime(client: PoolClient, statement: string): Promise<boolean> {
  try {
    await client.query(statement);
    return true;
  } catch (error) {
    if (codeOf(error) === sqlState.queryCanceled) return false;
    throw error;
  }
}

interface Look {
  /** The group that it is attached to; null for none. */
  readonly parent: string | null;
  readonly held: boolean;
}

async function look(client: PoolClient, partition: string): Promise<Look> {
  const { rows } = await client.query<Look>(LOOK, [partition]);
  return rows[0] ?? { parent: null, held: false };
}

const PENDING = `
  SELECT p.inhparent::regclass::text AS parent, p.inhrelid::regclass::text AS partition
  FROM pg_inherits g JOIN pg_inherits p ON p.inhparent = g.inhrelid
  WHERE g.inhparent = ANY($1::regclass[]) AND p.inhdetachpending`;

/**
 * Held: by somebody who went past the parents. One who holds the group too is in the way of every
 * detach from it, whichever it is; that is found out by the first.
 */
const LOOK = `
  SELECT
    i.inhparent::regclass::text AS parent,
    EXISTS (
      SELECT FROM pg_locks l
      WHERE l.relation = p.oid AND l.granted
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND l.pid IS DISTINCT FROM pg_backend_pid()
        AND NOT EXISTS (
          SELECT FROM pg_locks g
          WHERE g.pid = l.pid AND g.relation = i.inhparent AND g.granted
        )
    ) AS held
  FROM (SELECT to_regclass($1)::oid AS oid) AS p LEFT JOIN pg_inherits i ON i.inhrelid = p.oid`;
