import { Injectable } from '@nestjs/common';
import { type GaugeReading, Metrics } from '@app/metrics';
import { DependenciesHealth } from '../health/dependencies.health';
import { Shutdown } from '../shutdown';

/** What `/health/ready` says, check by check: an alert can then name what is down. */
@Injectable()
export class ReadinessMetrics {
  constructor(
    metrics: Metrics,
    private readonly health: DependenciesHealth,
    private readonly shutdown: Shutdown,
  ) {
    metrics.gauge(
      'ready',
      '1 while this check of readiness holds, 0 otherwise; draining is 0 once a stop has begun.',
      ['check'],
      () => this.checks(),
    );
  }

  /** The pings are those of the probes: bounded, and one at a time however many ask. */
  private async checks(): Promise<GaugeReading[]> {
    const results = await Promise.all([this.health.databaseCheck(), this.health.brokerCheck()]);
    const up = results
      .flatMap((result) => Object.entries(result))
      .map(([check, { status }]) => reading(check, status === 'up'));
    return [...up, reading('draining', !this.shutdown.draining)];
  }
}

const reading = (check: string, holds: boolean): GaugeReading => ({
  labels: { check },
  value: holds ? 1 : 0,
});
