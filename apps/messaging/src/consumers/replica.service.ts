import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Database, DatabaseStarter, type Statement } from '@app/database';
import { within } from '@app/broker';
import { uuidv7 } from 'uuidv7';
import { ConsumerRegistry } from './consumer-registry.service';

const HEARTBEAT_EVERY_MS = 2_000;
const LEAVE_WITHIN_MS = 1_000;

/** The row is new after a crash of the database, which empties unlogged tables: report all again. */
const HEARTBEAT: Statement = {
  name: 'replica-heartbeat',
  text: `
    INSERT INTO replicas (replica_id) VALUES ($1)
    ON CONFLICT (replica_id) DO UPDATE SET heartbeat_at = clock_timestamp()
    RETURNING (xmax = 0) AS is_new`,
};

const REPORT: Statement = {
  name: 'report-consumers',
  text: `
    INSERT INTO consumer_reports (tenant_id, replica_id, state, workers_applied)
    SELECT tenant_id, $1, state, workers
    FROM unnest($2::uuid[], $3::text[], $4::integer[]) AS c (tenant_id, state, workers)
    ON CONFLICT (tenant_id, replica_id)
    DO UPDATE SET state = excluded.state, workers_applied = excluded.workers_applied`,
};

const WITHDRAW: Statement = {
  name: 'withdraw-consumer-reports',
  text: `DELETE FROM consumer_reports WHERE replica_id = $1 AND tenant_id = ANY($2::uuid[])`,
};

const LEAVE: Statement = {
  name: 'remove-replica',
  text: `DELETE FROM replicas WHERE replica_id = $1`,
};

/** Those that died without leaving, long after nobody counts their reports any more. */
const BURY: Statement = {
  name: 'remove-dead-replicas',
  text: `DELETE FROM replicas WHERE heartbeat_at < clock_timestamp() - interval '1 minute'`,
};

/** Tells the other replicas, through the database, what this one runs; see `consumer-reports`. */
@Injectable()
export class Replica implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly id = uuidv7();
  private readonly logger = new Logger(Replica.name);
  /** What stands in the database: the tenants, and for each what was reported. */
  private readonly reported = new Map<string, string>();
  private timer: NodeJS.Timeout | undefined;
  private reporting: Promise<void> | undefined;
  private again = false;
  private beat = false;
  private stopped = false;

  constructor(
    private readonly database: Database,
    private readonly starter: DatabaseStarter,
    private readonly registry: ConsumerRegistry,
  ) {}

  onApplicationBootstrap(): void {
    this.registry.onChange(() => this.wake());
    void this.starter.whenReady().then(() => {
      if (!this.stopped) this.timer = setInterval(() => this.heartbeat(), HEARTBEAT_EVERY_MS);
      this.heartbeat();
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    const left = this.leave();
    await within(LEAVE_WITHIN_MS, left, () => new Error('late')).catch(() => undefined);
  }

  private async leave(): Promise<void> {
    await this.reporting;
    await this.database.run(LEAVE, [this.id]);
  }

  private heartbeat(): void {
    this.beat = true;
    this.wake();
  }

  /** While one report is written, the next changes gather. */
  private wake(): void {
    this.again = true;
    if (this.stopped || this.starter.state !== 'ready') return;
    this.reporting ??= this.reportWhileAsked().finally(() => (this.reporting = undefined));
  }

  private async reportWhileAsked(): Promise<void> {
    while (this.again && !this.stopped) {
      this.again = false;
      await this.report().catch((error: unknown) => {
        // The next heartbeat tries again, from the beginning.
        this.reported.clear();
        this.beat = true;
        this.logger.debug(`Not reported: ${String(error)}`);
      });
    }
  }

  private async report(): Promise<void> {
    if (this.beat) await this.writeHeartbeat();
    const running = this.registry.running();
    const now = new Map(running.map((consumer) => [consumer.tenantId, consumer]));
    const gone = [...this.reported.keys()].filter((tenantId) => !now.has(tenantId));
    const news = running.filter(
      ({ tenantId, state, workers }) => this.reported.get(tenantId) !== `${state} ${workers}`,
    );
    if (gone.length > 0) await this.database.run(WITHDRAW, [this.id, gone]);
    if (news.length > 0) {
      const columns = [
        news.map((c) => c.tenantId),
        news.map((c) => c.state),
        news.map((c) => c.workers),
      ];
      await this.database.run(REPORT, [this.id, ...columns]);
    }
    for (const tenantId of gone) this.reported.delete(tenantId);
    for (const { tenantId, state, workers } of news)
      this.reported.set(tenantId, `${state} ${workers}`);
  }

  private async writeHeartbeat(): Promise<void> {
    this.beat = false;
    const [row] = await this.database.run<{ is_new: boolean }>(HEARTBEAT, [this.id]);
    if (row?.is_new) this.reported.clear();
    await this.database.run(BURY, []);
  }
}
