import { Injectable } from '@nestjs/common';
import { Database, isoTime, sqlState, type Statement, UNHURRIED_MS } from '@app/database';
import { Metrics } from '@app/metrics';
import { type Page, pageOf } from '@app/paging';
import type { Reader } from '../tenants/reader';
import { type Order, type Position, START } from './message-cursor';
import type { Message } from './message.entity';

/** A message on its way into its tenant's partition. */
export interface MessageRow {
  readonly tenantId: string;
  readonly id: string;
  readonly type: string | null;
  /** Valid JSON, as text: rows of many tenants are joined into one array. */
  readonly payload: string;
  readonly acceptedAt: Date;
}

/** Another session has locked a tenant's partition; what that session does takes as long as it takes. */
export class PartitionHeld extends Error {
  readonly code = sqlState.lockNotAvailable;

  constructor(readonly tenantId: string) {
    super(`the partition of tenant ${tenantId} is locked by another session`);
  }
}

/** A message as it is read: its times are ISO 8601, as they go out. */
export interface StoredMessage extends Pick<
  Message,
  'tenantId' | 'id' | 'type' | 'payload' | 'storedXid'
> {
  readonly acceptedAt: string;
  readonly storedAt: string;
}

/**
 * The one place that reads and writes messages. Every statement names the tenant, and every read runs
 * as whoever reads: one wall behind the other.
 */
@Injectable()
export class MessageStore {
  constructor(
    private readonly database: Database,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Stores rows of any tenants in one statement, hence one transaction: all, or none. What is
   * stored already stays as it is, so that a redelivery changes nothing. The rows must be sorted by
   * tenant and id: two overlapping batches would otherwise lock each other out.
   */
  async insert(rows: readonly MessageRow[]): Promise<void> {
    const done = this.metrics.storeSeconds.startTimer();
    const values = [
      arrayOf(rows.map((row) => row.tenantId)),
      arrayOf(rows.map((row) => row.id)),
      rows.map((row) => row.type),
      `[${rows.map((row) => row.payload).join(',')}]`,
      arrayOf(isoTimes(rows)),
    ];
    const stored = await this.database.change(INSERT, values).finally(done);
    this.count(rows, stored);
  }

  /** Those of some tenants whose partition another session has locked, so that nothing can be stored in it. */
  async held(tenantIds: readonly string[]): Promise<string[]> {
    const rows = await this.database.run<{ tenant_id: string }>(HELD, [tenantIds]);
    return rows.map((row) => row.tenant_id);
  }

  /** Another replica's clock may be ahead of this one's, which makes no message come before its time. */
  private count(rows: readonly MessageRow[], stored: number): void {
    const { acceptanceToStoredSeconds } = this.metrics;
    const now = Date.now();
    this.metrics.stored.inc(stored);
    this.metrics.batchRows.observe(rows.length);
    for (const { acceptedAt } of rows) {
      acceptanceToStoredSeconds.observe(Math.max(0, now - acceptedAt.getTime()) / 1000);
    }
  }

  /** A message of a living tenant. */
  async find(tenantId: string, reader: Reader, id: string): Promise<StoredMessage | null> {
    const [row] = await this.database.as(reader.tenantId).run<Row>(FIND, [tenantId, id]);
    return row ? fromRow(tenantId, row) : null;
  }

  /**
   * Up to `limit` messages of a living tenant behind `after`, in the order in which they were
   * stored, or against it; fewer, and one at least, where they are large: 8 MiB are a page. Going
   * forward, a message appears only when none can be stored before it any more, so that a reader who
   * follows along misses none.
   */
  async readPage(
    tenantId: string,
    reader: Reader,
    order: Order,
    after: Position = START[order],
    limit: number,
  ): Promise<Page<StoredMessage>> {
    const values = [tenantId, after.storedXid, after.id, limit + 1];
    const page = await this.database.as(reader.tenantId).page<Row>(PAGE[order], values);
    return pageOf(page, limit, (row) => fromRow(tenantId, row));
  }

  /** Whether no transaction has had this number yet, so that it was given out by a lost one. */
  async isAhead({ storedXid }: Position): Promise<boolean> {
    const [row] = await this.database.run<{ ahead: boolean }>(AHEAD, [storedXid]);
    return row?.ahead === true;
  }
}

interface Row {
  id: string;
  type: string | null;
  payload: string;
  accepted_at: string;
  stored_at: string;
  stored_xid: string;
}

function fromRow(tenantId: string, row: Row): StoredMessage {
  const { id, type, payload, accepted_at, stored_at, stored_xid } = row;
  const times = { acceptedAt: isoTime(accepted_at), storedAt: isoTime(stored_at) };
  return { tenantId, id, type, payload, ...times, storedXid: stored_xid };
}

/** An array of what needs no quotes, for which `pg` would look at every character. */
const arrayOf = (elements: readonly string[]): string => `{${elements.join(',')}}`;

/** Rows next to each other were mostly accepted in the same millisecond. */
function isoTimes(rows: readonly MessageRow[]): string[] {
  let last = { time: NaN, text: '' };
  return rows.map(({ acceptedAt }) => {
    const time = acceptedAt.getTime();
    if (time !== last.time) last = { time, text: acceptedAt.toISOString() };
    return last.text;
  });
}

/** What one tenant's partition is locked for must not hold up others for longer. */
export const LOCK_WITHIN_MS = 1_000;

const COLUMNS = 'id, type, payload, accepted_at::text, stored_at::text, stored_xid';

/** One JSON array is parsed faster than an array of texts is quoted, sent and cast. */
const INSERT: Statement = {
  name: 'insert-messages',
  withinMs: UNHURRIED_MS,
  lockWithinMs: LOCK_WITHIN_MS,
  text: `
    INSERT INTO messages (tenant_id, id, type, payload, accepted_at)
    SELECT tenant_id, id, type, payload, accepted_at
    FROM ROWS FROM (
      unnest($1::uuid[]),
      unnest($2::uuid[]),
      unnest($3::text[]),
      jsonb_array_elements($4::jsonb),
      unnest($5::timestamptz[])
    ) AS m (tenant_id, id, type, payload, accepted_at)
    ON CONFLICT DO NOTHING`,
};

/**
 * A lock that is awaited counts: who comes after it waits behind it. The modes are those that conflict
 * with an INSERT's; https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
 */
const HELD: Statement = {
  name: 'held-partitions',
  text: `
    SELECT DISTINCT tenant_id::text FROM unnest($1::uuid[]) AS t (tenant_id)
    JOIN pg_locks l ON l.relation = to_regclass('messages_' || replace(tenant_id::text, '-', ''))
    WHERE l.locktype = 'relation'
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')`,
};

const AHEAD: Statement = {
  name: 'position-ahead',
  text: `SELECT $1::xid8 >= pg_snapshot_xmax(pg_current_snapshot()) AS ahead`,
};

/** Asked in the same statement: a partition outlives its tenant by a moment. */
const IS_LIVING = 'EXISTS (SELECT FROM tenants WHERE tenant_id = $1 AND removed_at IS NULL)';

const FIND: Statement = {
  name: 'message',
  text: `SELECT ${COLUMNS} FROM messages WHERE tenant_id = $1 AND id = $2 AND ${IS_LIVING}`,
};

const page = (name: string, where: string, direction: string): Statement => ({
  name,
  text: `
    SELECT ${COLUMNS}
    FROM messages
    WHERE tenant_id = $1 AND ${where} AND ${IS_LIVING}
    ORDER BY stored_xid ${direction}, id ${direction}
    LIMIT $4`,
});

/**
 * Rows commit in another order than that of their transactions' numbers; below the oldest one that
 * still runs, nothing can appear any more.
 * https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT
 */
export const PAGE: Readonly<Record<Order, Statement>> = {
  asc: page(
    'messages-forward',
    `(stored_xid, id) > ($2::xid8, $3::uuid)
      AND stored_xid < pg_snapshot_xmin(pg_current_snapshot())`,
    'ASC',
  ),
  desc: page('messages-backward', `(stored_xid, id) < ($2::xid8, $3::uuid)`, 'DESC'),
};
