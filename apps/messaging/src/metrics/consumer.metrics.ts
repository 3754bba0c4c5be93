import { Injectable } from '@nestjs/common';
import { Environment } from '@app/config';
import { type GaugeReading, Metrics } from '@app/metrics';
import { ConsumerRegistry } from '../consumers/consumer-registry.service';
import { Ownership } from '../consumers/ownership.service';
import { QueueSampler } from './queue-sampler.service';
import { topTenants } from './top-tenants';

/** What a process tells that consumes: its consumers, what they have taken, and what waits. */
@Injectable()
export class ConsumerMetrics {
  constructor(
    metrics: Metrics,
    private readonly registry: ConsumerRegistry,
    private readonly ownership: Ownership,
    private readonly sampler: QueueSampler,
    private readonly environment: Environment,
  ) {
    this.tellOfConsumers(metrics);
    this.tellOfQueues(metrics);
  }

  private tellOfConsumers(metrics: Metrics): void {
    metrics.gauge(
      'consumers',
      'Consumers that should run anywhere (wanted), that are this process’s to run (owned), that run.',
      ['state'],
      () => this.consumers(),
    );
    metrics.gauge('in_flight_messages', 'Messages that are taken and not yet settled.', [], () => [
      { value: this.registry.inFlight },
    ]);
  }

  private tellOfQueues(metrics: Metrics): void {
    metrics.gauge(
      'queue_messages',
      'Messages that wait in the queue of a tenant; the longest queues by name, the others summed.',
      ['tenant'],
      () => topTenants(this.sampler.depths(), this.top, (a, b) => a + b),
    );
    metrics.gauge(
      'oldest_waiting_message_age_seconds',
      'How long the oldest message of a tenant that is not paused waits, at most; the longest by name, of the others the longest.',
      ['tenant'],
      () => topTenants(this.sampler.oldestAges(), this.top, Math.max),
    );
    metrics.gauge(
      'dead_letters',
      'Dead letters that are kept now, all tenants’; an estimate.',
      [],
      () => [{ value: this.sampler.deadLetters }],
    );
  }

  private get top(): number {
    return this.environment.METRICS_TOP_TENANTS;
  }

  private consumers(): GaugeReading[] {
    const { wanted } = this.sampler;
    const { owned } = this.ownership;
    const running = this.registry.running().filter(({ state }) => state === 'running').length;
    return Object.entries({ wanted, owned, running }).map(([state, value]) => ({
      labels: { state },
      value,
    }));
  }
}
