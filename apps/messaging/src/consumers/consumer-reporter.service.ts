import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { WhileAsked } from '../while-asked';
import { ConsumerRegistry } from './consumer-registry.service';
import { Ownership } from './ownership.service';
import { type Lease, TenantLeases } from './tenant-leases';

type Reported = Lease['reported'];

/** What a lease says from the beginning, and again when what ran has ended. */
const NOTHING: Reported = { state: 'starting', workers: 0 };

const textOf = ({ state, workers }: Reported): string => `${state} ${workers}`;

/** Notes beside each lease what runs for it, so that any replica can tell; see `consumer-reports`. */
@Injectable()
export class ConsumerReporter implements OnApplicationBootstrap {
  private readonly logger = new Logger(ConsumerReporter.name);
  /** What stands in the database, of each tenant of which it says that there is a consumer. */
  private readonly reported = new Map<string, string>();
  private readonly reporting = new WhileAsked(
    () => this.report(),
    (error) => this.onFailure(error),
  );

  constructor(
    private readonly leases: TenantLeases,
    private readonly ownership: Ownership,
    private readonly registry: ConsumerRegistry,
  ) {}

  onApplicationBootstrap(): void {
    this.registry.onChange(() => this.wake());
  }

  /** While one report is written, the next changes gather. Never rejects. */
  wake(): void {
    this.reporting.ask();
  }

  /**
   * Takes what stands there for what was reported, the next time that it is woken: a lease that was
   * lost and won again says nothing of what runs, however often that was reported before.
   */
  compare(held: readonly Lease[]): void {
    this.reported.clear();
    for (const { tenantId, reported } of held) this.note(tenantId, reported);
  }

  private async report(): Promise<void> {
    const now = this.registry.running();
    const running = new Set(now.map(({ tenantId }) => tenantId));
    const gone = [...this.reported.keys()].filter((tenantId) => !running.has(tenantId));
    const news = [...now, ...gone.map((tenantId) => ({ tenantId, ...NOTHING }))].filter(
      (consumer) => textOf(consumer) !== (this.reported.get(consumer.tenantId) ?? textOf(NOTHING)),
    );
    if (news.length === 0) return;
    await this.leases.report(this.ownership.replicaId, news);
    for (const consumer of news) this.note(consumer.tenantId, consumer);
  }

  private note(tenantId: string, consumer: Reported): void {
    if (textOf(consumer) === textOf(NOTHING)) this.reported.delete(tenantId);
    else this.reported.set(tenantId, textOf(consumer));
  }

  /** The next pass of the reconciliation wakes it again, to begin anew. */
  private onFailure(error: unknown): void {
    this.reported.clear();
    this.logger.debug(`Not reported: ${String(error)}`);
  }
}
