import { Injectable } from '@nestjs/common';
import { Database } from '@app/database';
import { BoundedMap } from './bounded-map';
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

/** Some 100 bytes each. */
const MOST_TENANTS = 50_000;

const OF_TENANTS = {
  name: 'tenant-limits',
  text: `
    SELECT tenant_id AS "tenantId", rate_limit AS "rateLimit", max_backlog AS "maxBacklog"
    FROM tenants WHERE tenant_id = ANY($1::uuid[]) AND removed_at IS NULL`,
};

interface Known {
  readonly limits: Limits;
  readonly since: number;
}

type Row = Limits & { readonly tenantId: string };

/**
 * The limits of those who publish, a second old at most while the database answers, and the last
 * that are known while it does not: whom nobody knows then, has none. However many tenants publish,
 * there is one question at a time; while it is under way those of the next one gather.
 */
@Injectable()
export class TenantLimits {
  private readonly known = new BoundedMap<string, Known>(MOST_TENANTS);
  private wanted = new Set<string>();
  private asking: Promise<unknown> = Promise.resolve();
  private next: Promise<void> | undefined;

  constructor(
    private readonly database: Database,
    private readonly breaker: DatabaseBreaker,
  ) {}

  async of(tenantId: string): Promise<Limits> {
    const known = this.known.get(tenantId);
    if (known && performance.now() - known.since < FRESH_MS) return known.limits;
    await this.breaker.attempt(() => this.look(tenantId));
    return this.known.get(tenantId)?.limits ?? NO_LIMITS;
  }

  /** They have changed. */
  forget(tenantId: string): void {
    this.known.delete(tenantId);
  }

  private look(tenantId: string): Promise<void> {
    this.wanted.add(tenantId);
    this.next ??= this.asking.then(() => this.lookForWanted());
    return this.next;
  }

  private lookForWanted(): Promise<void> {
    const tenantIds = [...this.wanted];
    this.wanted = new Set();
    this.next = undefined;
    const asked = this.askFor(tenantIds);
    this.asking = asked.catch(() => undefined);
    return asked;
  }

  private async askFor(tenantIds: string[]): Promise<void> {
    const since = performance.now();
    const rows = await this.database.run<Row>(OF_TENANTS, [tenantIds]);
    for (const tenantId of tenantIds) this.known.delete(tenantId);
    for (const { tenantId, ...limits } of rows) this.known.set(tenantId, { limits, since });
  }
}
