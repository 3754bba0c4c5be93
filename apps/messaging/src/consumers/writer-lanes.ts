import { Injectable } from '@nestjs/common';
import { Batcher, type Rest } from './batcher';
import { Courtesy, FULL_BATCH, isSmall } from './courtesy';
import type { Delivery } from './delivery';
import { FairQueue } from './fair-queue';
import { MessageWriter } from './message-writer';
import type { Outcome } from './settlement';

/**
 * Of thousands of small tenants with a message now and then, hardly two would share a batch, and each
 * batch has a commit of its own. When few wait, more are waited for, as long as the last batch took; a
 * lone message never is.
 */
const restOfSmall: Rest = (waiting) => (waiting < 8 ? 1 : 0);

/**
 * Two group commits side by side: one for the large tenants, whose batches fill up, and one for the
 * small ones, who do not wait for those. Either takes more rows a second than a process can consume
 * (one connection some 98,000), and more lanes were slower: their batches are smaller. A tenant's
 * lane stays the same as long as its consumer does, so that its order holds.
 */
@Injectable()
export class WriterLanes {
  private readonly large: Batcher<Delivery, Outcome>;
  private readonly small: Batcher<Delivery, Outcome>;

  constructor(writer: MessageWriter, courtesy: Courtesy) {
    const commit = (deliveries: Delivery[]): Promise<Outcome[]> => writer.write(deliveries);
    const small = new Batcher(commit, new FairQueue(FULL_BATCH), restOfSmall);
    const restOfLarge: Rest = () => courtesy.rest(small.isBusy);
    this.large = new Batcher(commit, new FairQueue(courtesy), restOfLarge);
    this.small = small;
  }

  /** Resolves with what became of a delivery to a tenant that has so many workers. */
  store(delivery: Delivery, workers: number): Promise<Outcome> {
    const { tenantId, body } = delivery;
    const lane = isSmall(workers) ? this.small : this.large;
    return lane.add(delivery, { key: tenantId, weight: workers, bytes: body.byteLength });
  }
}
