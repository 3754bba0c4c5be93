import { Injectable } from '@nestjs/common';
import { Metrics } from '@app/metrics';
import { Batcher, type Pause, UNPACED } from './batcher';
import { Courtesy, isSmall } from './courtesy';
import type { CheckedDelivery } from './delivery';
import { type BatchLimits, FairQueue } from './fair-queue';
import { MessageWriter } from './message-writer';
import type { Outcome } from './settlement';

type Lane = Batcher<CheckedDelivery, Outcome>;

/** An outcome, or the promise of one that others need not wait for. */
type Stored = Outcome | Promise<Outcome>;

/**
 * Past some five hundred rows a statement and its commit get no cheaper per row; but the fewer of them there
 * are, the less often a small tenant's message meets one.
 */
const FULL_BATCH: BatchLimits = { maxRows: 1_000, maxBytes: 8 * 1024 * 1024 };

const FAILED: Outcome = { kind: 'failed' };

/** Each asks again and again; where more are held, it is no tenant's own matter. */
const MOST_APART = 32;

/**
 * Of thousands of small tenants with a message now and then, hardly two would share a batch, and each
 * batch has a commit of its own. When few wait, more are waited for, as long as the last batch took; a
 * lone message never is.
 */
const restOfSmall: Pause = (tookMs, waiting) => (waiting < 8 ? tookMs : 0);

/**
 * Two group commits side by side: one for the large tenants, whose batches fill up, and one for the
 * small ones, who do not wait for those. Either takes more rows a second than a process can consume
 * (one connection some 98,000), and more lanes were slower: their batches are smaller. A tenant's
 * lane stays the same as long as its consumer does, so that its order holds, but for this:
 *
 * A tenant whose partition another session holds (a `VACUUM FULL`, an index that is built) waits in a
 * lane of its own, which is there until that is over.
 */
@Injectable()
export class WriterLanes {
  private readonly large: Lane;
  private readonly small: Lane;
  private readonly apart = new Map<string, Lane>();

  constructor(
    private readonly writer: MessageWriter,
    private readonly metrics: Metrics,
    courtesy: Courtesy,
  ) {
    const commit = (deliveries: CheckedDelivery[]): Promise<Stored[]> =>
      this.writeShared(deliveries);
    const small = new Batcher(commit, new FairQueue(FULL_BATCH), { ...UNPACED, rest: restOfSmall });
    courtesy.watch(() => small.isBusy);
    this.large = new Batcher(commit, new FairQueue(FULL_BATCH), {
      ...UNPACED,
      hold: (tookMs) => courtesy.restAfter(tookMs),
      resultsAtATime: () => courtesy.resultsAtATime,
    });
    this.small = small;
  }

  /** Resolves with what became of a delivery to a tenant that has so many workers. */
  store(delivery: CheckedDelivery, workers: number): Promise<Outcome> {
    const { tenantId, body, attempts } = delivery;
    if (attempts > 1) this.metrics.redelivered.inc();
    const lane = this.apart.get(tenantId) ?? (isSmall(workers) ? this.small : this.large);
    return lane.add(delivery, { key: tenantId, weight: workers, bytes: body.byteLength });
  }

  /** Whoever has a lane of its own by now, and had messages in the queue before, goes there. */
  private async writeShared(deliveries: CheckedDelivery[]): Promise<Stored[]> {
    if (this.apart.size === 0) return this.write(deliveries, MOST_APART);
    const goApart = deliveries.filter(({ tenantId }) => this.apart.has(tenantId));
    const outcomes = new Map(
      goApart.map((delivery): [CheckedDelivery, Stored] => [delivery, this.storeApart(delivery)]),
    );
    const shared = deliveries.filter((delivery) => !outcomes.has(delivery));
    const stored = await this.write(shared, MOST_APART - this.apart.size);
    shared.forEach((delivery, index) => outcomes.set(delivery, stored[index] ?? FAILED));
    return deliveries.map((delivery) => outcomes.get(delivery) ?? FAILED);
  }

  private async write(deliveries: CheckedDelivery[], mostHeld: number): Promise<Stored[]> {
    const written = await this.writer.write(deliveries, mostHeld);
    return deliveries.map((delivery, index) => {
      const outcome = written[index] ?? FAILED;
      return outcome.kind === 'held' ? this.storeApart(delivery) : outcome;
    });
  }

  private storeApart(delivery: CheckedDelivery): Promise<Outcome> {
    const { tenantId, body } = delivery;
    const lane = this.apart.get(tenantId) ?? this.openLane(tenantId);
    return lane.add(delivery, { key: tenantId, weight: 1, bytes: body.byteLength });
  }

  /** Takes in what comes until its first batch is written, which waits for the lock, and then the rest. */
  private openLane(tenantId: string): Lane {
    const commit = async (deliveries: CheckedDelivery[]): Promise<Stored[]> => {
      try {
        return await this.write(deliveries, 0);
      } finally {
        if (this.apart.get(tenantId) === lane) this.apart.delete(tenantId);
      }
    };
    const lane: Lane = new Batcher(commit, new FairQueue(FULL_BATCH));
    this.apart.set(tenantId, lane);
    return lane;
  }
}
