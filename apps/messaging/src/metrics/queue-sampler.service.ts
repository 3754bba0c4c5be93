import { setTimeout as delay } from 'node:timers/promises';
import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { ConsumingConnection, TenantQueues } from '@app/broker';
import { Database, DatabaseStarter, type Statement } from '@app/database';
import { LastDelivered } from '../consumers/last-delivered';
import { Ownership } from '../consumers/ownership.service';
import { HEARTBEAT_FRESH } from '../tenants/consumer-reports';
import { nextSample, oldestAgeSeconds, type QueueSample } from './queue-sample';
import type { TenantValue } from './top-tenants';

/** A round begins at most this often; with many tenants it takes longer than that. */
const ROUND_EVERY_MS = 2_000;

/**
 * 200 queues a second at most, on one channel at a time: 5,000 tenants are looked at in 25 s, for a
 * hundredth of what the broker can answer.
 */
const AT_A_TIME = 20;
const PAUSE_MS = 100;

interface LivingTenant {
  tenant_id: string;
  name: string;
  status: 'active' | 'paused';
  /** The replica that looks at its queue; null while none lives. */
  watched_by: string | null;
}

/** Of what no living replica owns one is in charge, fit if any is: each queue is counted once. */
const LIVING: Statement = {
  name: 'living-tenants',
  text: `
    WITH living AS (
      SELECT replica_id, steady_since FROM replicas
      WHERE heartbeat_at > clock_timestamp() - interval '${HEARTBEAT_FRESH}'
    ), in_charge AS (
      SELECT replica_id FROM living ORDER BY steady_since IS NULL, replica_id LIMIT 1
    )
    SELECT tenant_id, name, status,
      coalesce(owner.replica_id, (SELECT replica_id FROM in_charge)) AS watched_by
    FROM tenants LEFT JOIN tenant_leases l USING (tenant_id)
    LEFT JOIN living owner ON owner.replica_id = l.replica_id
    WHERE removed_at IS NULL`,
};

/** PostgreSQL's own count of live rows, a second or so old, without reading any. */
const DEAD_LETTERS: Statement = {
  name: 'estimate-dead-letters',
  text: `
    SELECT coalesce(sum(pg_stat_get_live_tuples(p.inhrelid)), 0)::float8 AS kept
    FROM pg_inherits g JOIN pg_inherits p ON p.inhparent = g.inhrelid
    WHERE g.inhparent = 'dead_letters'::regclass`,
};

/**
 * Looks at the tenants' queues in turns, at its own pace: a scrape reads what is known, however many
 * tenants there are. Asks by AMQP alone (a passive declare), since the management API may be away.
 *
 * Each replica looks at the queues of the tenants that it owns, and one of them at those that nobody
 * owns, the paused ones' among them: what is taken together can be summed over the replicas.
 */
@Injectable()
export class QueueSampler implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(QueueSampler.name);
  private readonly stopping = new AbortController();
  private readonly samples = new Map<string, QueueSample>();
  private tenants = new Map<string, LivingTenant>();
  private own: string[] = [];
  private kept = 0;
  /** Since the last round without any. */
  private failures = 0;

  constructor(
    private readonly database: Database,
    private readonly starter: DatabaseStarter,
    private readonly connection: ConsumingConnection,
    private readonly queues: TenantQueues,
    private readonly delivered: LastDelivered,
    private readonly ownership: Ownership,
  ) {}

  /** How many tenants should have a consumer. */
  get wanted(): number {
    return [...this.tenants.values()].filter(({ status }) => status === 'active').length;
  }

  /** Dead letters of all tenants; an estimate that begins anew when the database has crashed. */
  get deadLetters(): number {
    return this.kept;
  }

  depths(): TenantValue[] {
    return this.each((sample) => sample.ready);
  }

  /** Not of paused tenants: what waits for them is meant to, and would stand before what is not. */
  oldestAges(now = Date.now()): TenantValue[] {
    return this.each(
      (sample, id) => oldestAgeSeconds(sample, this.delivered.of(id), now),
      ({ status }) => status === 'active',
    );
  }

  onApplicationBootstrap(): void {
    void this.starter.whenReady().then(() => this.look());
  }

  /** Nobody waits for a question that is still out: what comes of it is for nobody. */
  beforeApplicationShutdown(): void {
    this.stopping.abort();
  }

  private async look(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const pause = this.pause(ROUND_EVERY_MS);
      // While the database is away, what it said last holds: messages are accepted all the same.
      await this.learn().catch((error: unknown) => {
        this.logger.debug(`The tenants are those of an earlier round: ${String(error)}`);
      });
      await this.round();
      await pause;
    }
  }

  private async learn(): Promise<void> {
    const living = await this.database.run<LivingTenant>(LIVING, []);
    this.tenants = new Map(living.map((tenant) => [tenant.tenant_id, tenant]));
    this.own = living.filter((tenant) => this.isOwn(tenant)).map((tenant) => tenant.tenant_id);
    this.forgetOthers(new Set(this.own));
    const [estimate] = await this.database.run<{ kept: number }>(DEAD_LETTERS, []);
    this.kept = estimate?.kept ?? 0;
  }

  private async round(): Promise<void> {
    const { own, failures } = this;
    for (let at = 0; at < own.length; at += AT_A_TIME) {
      if (!this.canAsk()) return;
      await this.sample(own.slice(at, at + AT_A_TIME));
      await this.pause(PAUSE_MS);
    }
    if (this.failures === failures) this.failures = 0;
  }

  private async sample(tenantIds: readonly string[]): Promise<void> {
    const askedAt = Date.now();
    for (const [tenantId, ready] of await this.ask(tenantIds)) {
      this.samples.set(tenantId, nextSample(this.samples.get(tenantId), ready, askedAt));
    }
  }

  /** A queue that fails, one without a majority, say, hides neither its neighbours nor what follows. */
  private async ask(tenantIds: readonly string[]): Promise<Map<string, number>> {
    try {
      return await this.queues.readyOf(tenantIds);
    } catch (error) {
      if (!this.canAsk()) return new Map();
      if (this.failures++ === 0)
        this.logger.warn(`Not every queue says what waits in it: ${String(error)}`);
      return this.queues.readyOneByOne(tenantIds);
    }
  }

  private canAsk(): boolean {
    return !this.stopping.signal.aborted && this.connection.isUp();
  }

  private isOwn({ watched_by: watchedBy }: LivingTenant): boolean {
    return watchedBy === null || watchedBy === this.ownership.replicaId;
  }

  private forgetOthers(own: ReadonlySet<string>): void {
    this.delivered.keepOnly(own);
    for (const tenantId of this.samples.keys()) {
      if (!own.has(tenantId)) this.samples.delete(tenantId);
    }
  }

  private each(
    valueOf: (sample: QueueSample, tenantId: string) => number,
    isTold: (tenant: LivingTenant) => boolean = () => true,
  ): TenantValue[] {
    return [...this.samples].flatMap(([tenantId, sample]) => {
      const tenant = this.tenants.get(tenantId);
      if (!tenant || !isTold(tenant)) return [];
      return [{ tenant: tenant.name, value: valueOf(sample, tenantId) }];
    });
  }

  private async pause(ms: number): Promise<void> {
    const { signal } = this.stopping;
    await delay(ms, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
