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
}

const LIVING: Statement = {
  name: 'living-tenants',
  text: `SELECT tenant_id, name, status FROM tenants WHERE removed_at IS NULL`,
};

/** PostgreSQL's own count of live rows, a second or so old, without reading any. */
const DEAD_LETTERS: Statement = {
  name: 'estimate-dead-letters',
  text: `
    SELECT coalesce(sum(pg_stat_get_live_tuples(inhrelid)), 0)::float8 AS kept
    FROM pg_inherits WHERE inhparent = 'dead_letters'::regclass`,
};

/**
 * Looks at the tenants' queues in turns, at its own pace: a scrape reads what is known, however many
 * tenants there are. Asks by AMQP alone (a passive declare), since the management API may be away.
 *
 * Every replica that consumes looks at the queues that it consumes, and at those of paused tenants,
 * which nobody consumes. Several then tell of the same queue: take the greatest, not the sum.
 */
@Injectable()
export class QueueSampler implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(QueueSampler.name);
  private readonly stopping = new AbortController();
  private readonly samples = new Map<string, QueueSample>();
  private tenants = new Map<string, LivingTenant>();
  private kept = 0;

  constructor(
    private readonly database: Database,
    private readonly starter: DatabaseStarter,
    private readonly connection: ConsumingConnection,
    private readonly queues: TenantQueues,
    private readonly delivered: LastDelivered,
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

  oldestAges(now = Date.now()): TenantValue[] {
    return this.each((sample, id) => oldestAgeSeconds(sample, this.delivered.of(id), now));
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
      await this.round().catch((error: unknown) => {
        this.logger.debug(`The queues are not looked at: ${String(error)}`);
      });
      await pause;
    }
  }

  private async round(): Promise<void> {
    const living = await this.database.run<LivingTenant>(LIVING, []);
    this.tenants = new Map(living.map((tenant) => [tenant.tenant_id, tenant]));
    this.forgetRemoved();
    const [estimate] = await this.database.run<{ kept: number }>(DEAD_LETTERS, []);
    this.kept = estimate?.kept ?? 0;
    const own = [...this.tenants.keys()];
    for (let at = 0; at < own.length; at += AT_A_TIME) {
      if (this.stopping.signal.aborted || !this.connection.isUp()) return;
      await this.sample(own.slice(at, at + AT_A_TIME));
      await this.pause(PAUSE_MS);
    }
  }

  private async sample(tenantIds: readonly string[]): Promise<void> {
    const askedAt = Date.now();
    for (const [tenantId, ready] of await this.queues.readyOf(tenantIds)) {
      this.samples.set(tenantId, nextSample(this.samples.get(tenantId), ready, askedAt));
    }
  }

  private forgetRemoved(): void {
    this.delivered.keepOnly(this.tenants);
    for (const tenantId of this.samples.keys()) {
      if (!this.tenants.has(tenantId)) this.samples.delete(tenantId);
    }
  }

  private each(valueOf: (sample: QueueSample, tenantId: string) => number): TenantValue[] {
    return [...this.samples].flatMap(([tenantId, sample]) => {
      const tenant = this.tenants.get(tenantId);
      return tenant ? [{ tenant: tenant.name, value: valueOf(sample, tenantId) }] : [];
    });
  }

  private async pause(ms: number): Promise<void> {
    const { signal } = this.stopping;
    await delay(ms, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
