import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { ConsumerRegistry } from './consumer-registry.service';
import { Ownership } from './ownership.service';
import { type RunningConsumer, TenantLeases } from './tenant-leases';
import { WhileAsked } from './while-asked';

/** Notes beside each lease what runs for it, so that any replica can tell; see `consumer-reports`. */
@Injectable()
export class ConsumerReporter implements OnApplicationBootstrap {
  private readonly logger = new Logger(ConsumerReporter.name);
  /** What stands in the database, of each tenant. */
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

  private async report(): Promise<void> {
    const now = new Map(this.registry.running().map((consumer) => [consumer.tenantId, consumer]));
    const gone = [...this.reported.keys()].filter((tenantId) => !now.has(tenantId));
    const news = [...now.values()].filter(
      (consumer) => this.reported.get(consumer.tenantId) !== textOf(consumer),
    );
    if (gone.length + news.length === 0) return;
    const ended = gone.map((tenantId) => ({ tenantId, state: 'starting', workers: 0 }) as const);
    await this.leases.report(this.ownership.replicaId, [...news, ...ended]);
    for (const tenantId of gone) this.reported.delete(tenantId);
    for (const consumer of news) this.reported.set(consumer.tenantId, textOf(consumer));
  }

  /** The next pass of the reconciliation wakes it again, to begin anew. */
  private onFailure(error: unknown): void {
    this.reported.clear();
    this.logger.debug(`Not reported: ${String(error)}`);
  }
}

const textOf = ({ state, workers }: RunningConsumer): string => `${state} ${workers}`;
