import { Injectable } from '@nestjs/common';
import { Database, isWithoutPartition, type Statement } from '@app/database';
import { Metrics } from '@app/metrics';
import { type Page, pageOf } from '@app/paging';
import { LOCK_WITHIN_MS } from '../messages/message.store';
import type { Reader } from '../tenants/reader';
import { TenantPartition } from '../tenants/tenant-partition';
import { TenantsService } from '../tenants/tenants.service';
import type { DeathPosition } from './dead-letter-cursor';

/** What can never be a message, kept as it came. */
export interface DeadLetterRow {
  readonly tenantId: string;
  readonly id: string;
  readonly type: string | null;
  readonly body: Buffer;
  readonly reason: string;
  /** How often it was delivered. */
  readonly attempts: number;
  readonly acceptedAt: Date;
}

export interface DeadLetter extends DeadLetterRow {
  readonly diedAt: Date;
}

/** A dead letter that is marked as being on its way back, and the mark. */
export interface MarkedLetter {
  readonly letter: DeadLetter;
  /** The instant of the marking, with its microseconds: only who knows it may take the letter away. */
  readonly mark: string;
}

/**
 * The one place that reads and writes dead letters. Every statement names the tenant, and runs as
 * whoever reads.
 */
@Injectable()
export class DeadLetterStore {
  constructor(
    private readonly database: Database,
    private readonly tenants: TenantsService,
    private readonly partition: TenantPartition,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Keeps a message that can never be stored. One that died before, and was on its way back, is
   * kept as it died now: who sent it back must not take it away.
   */
  async keep(row: DeadLetterRow): Promise<void> {
    await this.insert(KEEP, row);
  }

  /** The same for one of which nobody knows whether it was stored: only if it was not. */
  async keepUnlessStored(row: DeadLetterRow): Promise<void> {
    await this.insert(KEEP_UNLESS_STORED, row);
  }

  /** A living tenant's, the last dead first, up to `limit` behind `after`; fewer where they are large. */
  async readPage(
    tenantId: string,
    reader: Reader,
    after: DeathPosition | undefined,
    limit: number,
  ): Promise<Page<DeadLetter>> {
    const { diedAt = 'infinity', id = LAST_ID } = after ?? {};
    const page = await this.database
      .as(reader.tenantId)
      .page<Row>(PAGE, [tenantId, diedAt, id, limit + 1]);
    return pageOf(page, limit, (row) => fromRow(tenantId, row));
  }

  /** Marks up to `limit` that nobody is sending back, the first dead first, and dead before then. */
  async markSome(
    tenantId: string,
    reader: Reader,
    limit: number,
    diedBefore = 'infinity',
  ): Promise<MarkedLetter[]> {
    const rows = await this.database
      .as(reader.tenantId)
      .run<MarkedRow>(MARK_SOME, [tenantId, limit, diedBefore]);
    return rows.map((row) => ({ letter: fromRow(tenantId, row), mark: row.mark }));
  }

  /** Marks one, whoever is sending it back already: twice is as good as once. */
  async markOne(tenantId: string, reader: Reader, id: string): Promise<MarkedLetter | undefined> {
    const [row] = await this.database.as(reader.tenantId).run<MarkedRow>(MARK_ONE, [tenantId, id]);
    return row && { letter: fromRow(tenantId, row), mark: row.mark };
  }

  /** Those whose mark is older than `olderThanMs`: whoever set it did not come to the end. */
  async findStranded(olderThanMs: number): Promise<{ tenantId: string; id: string }[]> {
    const rows = await this.database.run<{ tenant_id: string; id: string }>(STRANDED, [
      olderThanMs,
    ]);
    return rows.map((row) => ({ tenantId: row.tenant_id, id: row.id }));
  }

  /** Takes one away that is back in its queue, unless it died again meanwhile. */
  async removeMarked(tenantId: string, id: string, mark: string): Promise<void> {
    await this.database.as(tenantId).run(REMOVE_MARKED, [tenantId, id, mark]);
  }

  /** It did not get into the queue: it is a dead letter as before. */
  async unmark(tenantId: string, id: string, mark: string): Promise<void> {
    await this.database.as(tenantId).run(UNMARK, [tenantId, id, mark]);
  }

  /** @returns whether there was one */
  async remove(tenantId: string, reader: Reader, id: string): Promise<boolean> {
    const removed = await this.database.as(reader.tenantId).run(REMOVE, [tenantId, id]);
    return removed.length > 0;
  }

  /** A living tenant's partition comes with its first dead letter. */
  private async insert(statement: Statement, row: DeadLetterRow): Promise<void> {
    const { tenantId, id, type, body, reason, attempts, acceptedAt } = row;
    const values = [tenantId, id, type, body, reason, attempts, acceptedAt];
    const { run } = this.database.as(tenantId);
    const kept = await run(statement, values).catch(async (error: unknown) => {
      if (!isWithoutPartition(error) || !(await this.tenants.isLiving(tenantId))) throw error;
      await this.partition.restore(tenantId);
      return run(statement, values);
    });
    this.metrics.dead.inc(kept.length);
  }
}

interface Row {
  id: string;
  type: string | null;
  body: Buffer;
  reason: string;
  attempts: number;
  accepted_at: Date;
  died_at: Date;
}

interface MarkedRow extends Row {
  mark: string;
}

function fromRow(tenantId: string, row: Row): DeadLetter {
  const { id, type, body, reason, attempts, accepted_at, died_at } = row;
  const times = { acceptedAt: accepted_at, diedAt: died_at };
  return { tenantId, id, type, body, reason, attempts, ...times };
}

const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const COLUMNS = 'id, type, body, reason, attempts, accepted_at, died_at';

const AGAIN = `
  ON CONFLICT (tenant_id, id) DO UPDATE
  SET reason = excluded.reason, attempts = excluded.attempts,
      died_at = excluded.died_at, redriven_at = NULL
  RETURNING id`;

const KEEP: Statement = {
  name: 'keep-dead-letter',
  lockWithinMs: LOCK_WITHIN_MS,
  text: `
    INSERT INTO dead_letters (tenant_id, id, type, body, reason, attempts, accepted_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ${AGAIN}`,
};

const KEEP_UNLESS_STORED: Statement = {
  name: 'keep-dead-letter-unless-stored',
  lockWithinMs: LOCK_WITHIN_MS,
  text: `
    INSERT INTO dead_letters (tenant_id, id, type, body, reason, attempts, accepted_at)
    SELECT $1::uuid, $2::uuid, $3::text, $4::bytea, $5::text, $6::integer, $7::timestamptz
    WHERE NOT EXISTS (SELECT FROM messages WHERE tenant_id = $1 AND id = $2) ${AGAIN}`,
};

const PAGE: Statement = {
  name: 'dead-letters',
  text: `
    SELECT ${COLUMNS} FROM dead_letters
    WHERE tenant_id = $1 AND (died_at, id) < ($2::timestamptz, $3::uuid)
      AND EXISTS (SELECT FROM tenants WHERE tenant_id = $1 AND removed_at IS NULL)
    ORDER BY died_at DESC, id DESC
    LIMIT $4`,
};

const MARK = `
  UPDATE dead_letters SET redriven_at = clock_timestamp()
  WHERE tenant_id = $1`;
const MARKED = `RETURNING ${COLUMNS}, redriven_at::text AS mark`;

const MARK_SOME: Statement = {
  name: 'mark-dead-letters',
  text: `
    ${MARK} AND id IN (
      SELECT id FROM dead_letters
      WHERE tenant_id = $1 AND redriven_at IS NULL AND died_at < $3::timestamptz
      ORDER BY died_at, id LIMIT $2
      FOR UPDATE SKIP LOCKED
    ) ${MARKED}`,
};

const MARK_ONE: Statement = { name: 'mark-dead-letter', text: `${MARK} AND id = $2 ${MARKED}` };

/** The one question across tenants, which the owner's function answers. */
const STRANDED: Statement = {
  name: 'stranded-dead-letters',
  lockWithinMs: LOCK_WITHIN_MS,
  text: `SELECT tenant_id, id FROM stranded_dead_letters($1)`,
};

const REMOVE_MARKED: Statement = {
  name: 'remove-redriven-dead-letter',
  text: `
    DELETE FROM dead_letters
    WHERE tenant_id = $1 AND id = $2 AND redriven_at = $3::timestamptz`,
};

const UNMARK: Statement = {
  name: 'unmark-dead-letter',
  text: `
    UPDATE dead_letters SET redriven_at = NULL
    WHERE tenant_id = $1 AND id = $2 AND redriven_at = $3::timestamptz`,
};

const REMOVE: Statement = {
  name: 'remove-dead-letter',
  text: `DELETE FROM dead_letters WHERE tenant_id = $1 AND id = $2 RETURNING id`,
};
