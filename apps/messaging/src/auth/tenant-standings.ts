import { Injectable } from '@nestjs/common';
import { within } from '@app/broker';
import { Database, isDatabaseUnavailable } from '@app/database';
import { BoundedMap } from '../tenants/limits/bounded-map';
import { StandingUnknown } from './auth.errors';
import { LIVING_STANDINGS, type StandingRow } from './token-statements';

/** Whether a tenant's tokens hold: those issued from `validFrom` on, in seconds since 1970. */
export type Standing = { kind: 'living'; validFrom: number } | { kind: 'gone' };

/** With {@link PATIENCE_MS}, {@link AWAY_MS} and the write itself, less than the 2 s of the contract. */
const FRESH_FOR_MS = 1_000;

/** How long a request whose tenant is known waits for the database to say it again. */
const PATIENCE_MS = 400;

/** How long nobody waits after that was in vain. */
const AWAY_MS = 400;

/** An ask that takes longer is left alone, with its connection, so that the next one can begin. */
const ASK_WITHIN_MS = 2_000;

/**
 * How long what was known is good enough while the database is away. It cannot take a revocation
 * then; this bounds what a replica that alone has lost the database goes on accepting.
 */
const STALE_FOR_MS = 3_600_000;

/** Tenants remembered, the last ones asked about. */
const REMEMBERED = 50_000;

interface Known {
  /** Undefined when what was known until then counts no more. */
  readonly standing: Standing | undefined;
  readonly asOf: number;
}

interface Gathering {
  readonly tenantIds: Set<string>;
  readonly answer: Promise<ReadonlyMap<string, Standing>>;
}

/**
 * Which tenants' tokens hold, without a query for every request: each tenant is asked about once a
 * second at most, and while one query is under way the next one gathers the tenants of many requests.
 */
@Injectable()
export class TenantStandings {
  private readonly known = new BoundedMap<string, Known>(REMEMBERED);
  private next: Gathering | undefined;
  private current: Promise<unknown> = Promise.resolve();
  private awayUntil = -Infinity;

  constructor(private readonly database: Database) {}

  /** @throws StandingUnknown when the database is away and the tenant not known here, or no more */
  async of(tenantId: string): Promise<Standing> {
    const known = this.known.get(tenantId);
    if (!known?.standing || ageOf(known) > STALE_FOR_MS) return this.ask(tenantId);
    if (ageOf(known) < FRESH_FOR_MS || performance.now() < this.awayUntil) return known.standing;
    try {
      const late = (): Error => new StandingUnknown(tenantId);
      return await within(PATIENCE_MS, this.ask(tenantId), late);
    } catch (error) {
      if (!(error instanceof StandingUnknown)) throw error;
      this.awayUntil = performance.now() + AWAY_MS;
      const { standing } = this.known.get(tenantId) ?? known;
      if (!standing) throw error;
      return standing;
    }
  }

  /** It changed: from here on only the database knows, and no answer to a question from before. */
  forget(tenantId: string): void {
    this.remember(tenantId, { standing: undefined, asOf: performance.now() });
  }

  private async ask(tenantId: string): Promise<Standing> {
    this.next ??= this.gather();
    const { tenantIds, answer } = this.next;
    tenantIds.add(tenantId);
    try {
      return (await answer).get(tenantId) ?? { kind: 'gone' };
    } catch (error) {
      throw isDatabaseUnavailable(error) ? new StandingUnknown(tenantId) : error;
    }
  }

  private gather(): Gathering {
    const tenantIds = new Set<string>();
    const answer = this.current.then(() => {
      this.next = undefined;
      return this.read([...tenantIds]);
    });
    this.current = answer.catch(() => undefined);
    return { tenantIds, answer };
  }

  /** An answer that comes too late for those who asked is remembered all the same. */
  private read(tenantIds: readonly string[]): Promise<ReadonlyMap<string, Standing>> {
    const asOf = performance.now();
    const answer = this.database
      .run<StandingRow>(LIVING_STANDINGS, [tenantIds])
      .then((rows) => this.rememberAll(tenantIds, rows, asOf));
    return within(ASK_WITHIN_MS, answer, () => new StandingUnknown(tenantIds[0] ?? ''));
  }

  private rememberAll(
    tenantIds: readonly string[],
    rows: readonly StandingRow[],
    asOf: number,
  ): ReadonlyMap<string, Standing> {
    const living = new Map(rows.map((row) => [row.tenant_id, row.valid_from ?? -Infinity]));
    const standings = tenantIds.map((tenantId): [string, Standing] => {
      const validFrom = living.get(tenantId);
      return [tenantId, validFrom === undefined ? { kind: 'gone' } : { kind: 'living', validFrom }];
    });
    for (const [tenantId, standing] of standings) this.remember(tenantId, { standing, asOf });
    return new Map(standings);
  }

  private remember(tenantId: string, known: Known): void {
    if ((this.known.get(tenantId)?.asOf ?? -Infinity) > known.asOf) return;
    this.known.set(tenantId, known);
  }
}

const ageOf = ({ asOf }: Known): number => performance.now() - asOf;
