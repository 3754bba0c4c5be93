import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Database } from '@app/database';
import { type GaugeReading, Metrics } from '@app/metrics';

/** How often the loop is looked at. A look that comes on time is recorded as this, not as nothing. */
const LOOK_EVERY_MS = 10;

const QUANTILES = [0.5, 0.9, 0.99, 1];

/** What this process has of its own: an event loop, and connections to the database. */
@Injectable()
export class ProcessMetrics implements OnModuleDestroy {
  private readonly delay = monitorEventLoopDelay({ resolution: LOOK_EVERY_MS });

  constructor(
    metrics: Metrics,
    private readonly database: Database,
  ) {
    this.delay.enable();
    metrics.gauge(
      'event_loop_lag_seconds',
      'How late the event loop came to its timers since the last scrape; quantile 1 is the latest.',
      ['quantile'],
      () => this.lag(),
    );
    metrics.gauge(
      'database_pool_connections',
      'Connections to PostgreSQL: all, those that are idle, and who waits for one.',
      ['state'],
      () => this.connections(),
    );
  }

  onModuleDestroy(): void {
    this.delay.disable();
  }

  private lag(): GaugeReading[] {
    const readings = QUANTILES.map((quantile) => {
      const nanoseconds = quantile === 1 ? this.delay.max : this.delay.percentile(quantile * 100);
      const value = Math.max(0, nanoseconds / 1e9 - LOOK_EVERY_MS / 1000);
      return { labels: { quantile: String(quantile) }, value };
    });
    this.delay.reset();
    return readings;
  }

  private connections(): GaugeReading[] {
    return Object.entries(this.database.connections).map(([state, value]) => ({
      labels: { state },
      value,
    }));
  }
}
