import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '@app/database';
import { TenantNotFound } from '../tenant.errors';
import { DatabaseBreaker } from './database-breaker';

/** What a tenant may send over HTTP; null: as much as it likes. */
export interface Limits {
  /** Messages a second. */
  readonly rateLimit: number | null;
  /** Messages that may wait in its queue. */
  readonly maxBacklog: number | null;
}

const NO_LIMITS: Limits = { rateLimit: null, maxBacklog: null };

/** How long a change may go unnoticed. */
const FRESH_MS = 1_000;

/** By then whoever publishes has noticed that the queue of somebody of whom nothing is left is gone. */
const REMOVED_FOR_MS = 60_000;

/** How long what is known of removed tenants, some 100 bytes each, may be kept. */
const WHOLE_EVERY_MS = 600_000;

/**
 * Transactions commit in another order than that of their numbers: what changed since a snapshot is
 * what was changed by its oldest running one, or a later one.
 * https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT
 */
const CHANGED_SINCE: Statement = {
  name: 'limits-changed-since',
  text: `
    SELECT horizon::text, tenant_id AS "tenantId",
      rate_limit AS "rateLimit", max_backlog AS "maxBacklog"
    FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS horizon) AS now
    LEFT JOIN limit_changes ON changed_xid >= $1::xid8`,
};

/** Of whom something is left; few, since each sweep takes them away. */
const REMOVED: Statement = {
  name: 'removed-tenants',
  text: `SELECT tenant_id::text AS "tenantId" FROM tenants WHERE removed_at IS NOT NULL`,
};

const EVER = '0';

type Row = Limits & { readonly horizon: string; readonly tenantId: string | null };

/**
 * The limits of all who have any, and who was removed: a second old at most while the database answers, and
 * the last that are known while it does not. Whom nobody knows then, has none. However many tenants publish, it is
 * asked once a second, and only for what changed.
 */
@Injectable()
export class TenantLimits {
  private known = new Map<string, Limits>();
  /** While the broker is away, their queues stay bound: what came would be accepted, and go with them. */
  private readonly removed = new Map<string, number>();
  /** What was committed before this transaction began is known. */
  private horizon = EVER;
  private asOf = -Infinity;
  private wholeAsOf = -Infinity;
  private changedAt = -Infinity;
  private asking: Promise<void> | undefined;

  constructor(
    private readonly database: Database,
    private readonly breaker: DatabaseBreaker,
  ) {}

  /**
   * At once when they are fresh: otherwise there would be a promise for every message.
   *
   * @throws TenantNotFound for one that was removed; others that nobody knows are not told apart
   */
  of(tenantId: string): Limits | Promise<Limits> {
    return this.areFresh() ? this.lastKnownOf(tenantId) : this.freshOf(tenantId);
  }

  /** Somebody's have changed, or somebody was removed: an answer to a question from before does not do any more. */
  forget(): void {
    this.changedAt = performance.now();
  }

  private areFresh(): boolean {
    return this.asOf > this.changedAt && performance.now() - this.asOf < FRESH_MS;
  }

  private lastKnownOf(tenantId: string): Limits {
    if (this.removed.has(tenantId)) throw new TenantNotFound(tenantId);
    return this.known.get(tenantId) ?? NO_LIMITS;
  }

  private async freshOf(tenantId: string): Promise<Limits> {
    let answered = true;
    while (answered && !this.areFresh()) {
      answered = await this.breaker.attempt(() => this.askTogether());
    }
    return this.lastKnownOf(tenantId);
  }

  private askTogether(): Promise<void> {
    this.asking ??= this.ask().finally(() => (this.asking = undefined));
    return this.asking;
  }

  private async ask(): Promise<void> {
    const since = performance.now();
    const whole = since - this.wholeAsOf > WHOLE_EVERY_MS;
    const rows = await this.database.run<Row>(CHANGED_SINCE, [whole ? EVER : this.horizon]);
    if (whole) this.begin(since);
    for (const row of rows) this.learn(row);
    await this.askForRemoved(since);
    this.asOf = since;
  }

  private async askForRemoved(asOf: number): Promise<void> {
    const rows = await this.database.run<{ tenantId: string }>(REMOVED, []);
    for (const { tenantId } of rows) this.removed.set(tenantId, asOf);
    for (const [tenantId, seenAt] of this.removed) {
      if (asOf - seenAt > REMOVED_FOR_MS) this.removed.delete(tenantId);
    }
  }

  private begin(since: number): void {
    this.known = new Map();
    this.wholeAsOf = since;
  }

  private learn({ horizon, tenantId, rateLimit, maxBacklog }: Row): void {
    this.horizon = horizon;
    if (tenantId === null) return;
    if (rateLimit === null && maxBacklog === null) this.known.delete(tenantId);
    else this.known.set(tenantId, { rateLimit, maxBacklog });
  }
}
