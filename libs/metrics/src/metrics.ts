import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** From one row on an idle machine to the longest that a statement, or a confirm, may take. */
const ANSWER_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** A message may wait for hours: for its paused tenant, for a database that is away. */
const WAITING_SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400,
];

/** Up to the most rows that one statement gets. */
const ROWS = [1, 2, 5, 10, 25, 50, 100, 200, 350, 500];

/** One value of a gauge, and what tells it from the others. */
export interface GaugeReading {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * What is counted and timed where it happens. Gauges are read from whoever knows, when they are asked
 * for; see `gauge`. The registry is this process's own: nothing is global, so that two programs in
 * one process would not count for each other.
 *
 * Names carry their unit: https://prometheus.io/docs/practices/naming/
 */
@Injectable()
export class Metrics {
  readonly registry = new Registry();

  readonly accepted = this.counter(
    'messages_accepted_total',
    'Messages that came by HTTP and were accepted.',
  );
  readonly stored = this.counter(
    'messages_stored_total',
    'Messages that are in their partition now and were not before; repeats are not counted.',
  );
  readonly redelivered = this.counter(
    'messages_redelivered_total',
    'Deliveries of a message that had been delivered before.',
  );
  readonly dead = this.counter('messages_dead_total', 'Messages that became dead letters.');
  readonly refused = this.counter(
    'refused_total',
    'Calls that were answered with a problem, by its kind; connections that found no place.',
    ['reason'],
  );

  readonly batchRows = this.histogram('batch_rows', 'Rows of a statement that stored.', ROWS);
  readonly storeSeconds = this.histogram(
    'store_duration_seconds',
    'What a statement that stores took, whether it did or failed.',
    ANSWER_SECONDS,
  );
  readonly publishSeconds = this.histogram(
    'publish_duration_seconds',
    'From the publishing of what a call brought until the broker confirmed all of it, or had not in time.',
    ANSWER_SECONDS,
  );
  readonly acceptanceToStoredSeconds = this.histogram(
    'acceptance_to_stored_seconds',
    'From the acceptance of a message until it was known to be stored; a repeat counts again.',
    WAITING_SECONDS,
  );

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** A gauge whose values are read at each scrape: `read` says all of them, and none is kept. */
  gauge(
    name: string,
    help: string,
    labelNames: readonly string[],
    read: () => readonly GaugeReading[] | Promise<readonly GaugeReading[]>,
  ): void {
    const gauge: Gauge = new Gauge({
      name: `messaging_${name}`,
      help,
      labelNames,
      registers: [this.registry],
      collect: async () => {
        const readings = await read();
        gauge.reset();
        for (const { labels = {}, value } of readings) gauge.set(labels, value);
      },
    });
  }

  private counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    const registers = [this.registry];
    return new Counter({ name: `messaging_${name}`, help, labelNames, registers });
  }

  private histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name: `messaging_${name}`, help, buckets, registers: [this.registry] });
  }
}
