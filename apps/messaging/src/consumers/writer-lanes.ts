import { Injectable } from '@nestjs/common';
import { Batcher } from './batcher';
import type { Delivery } from './delivery';
import { FairQueue } from './fair-queue';
import { MessageWriter } from './message-writer';
import type { Outcome } from './settlement';

/** A tenant with more of them is a large one. */
const SMALL_WORKERS = 10;

/** Past a few hundred rows a statement gets no cheaper per row, and others wait longer. */
const LIMITS = { maxRows: 250, maxBytes: 8 * 1024 * 1024 };

/**
 * The large lane could keep this process, the database and the broker busy without a pause, and then
 * all that others ask of them would wait in line. A sixth of its time is theirs.
 */
const REST_OF_LARGE = { share: 0.2, unlessWaiting: Infinity };

/**
 * Of thousands of small tenants with a message now and then, hardly two would share a batch, and each
 * batch has a commit of its own. When few wait, more are waited for, as long as the last batch took; a
 * lone message never is.
 */
const REST_OF_SMALL = { share: 1, unlessWaiting: 8 };

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

  constructor(writer: MessageWriter) {
    const commit = (deliveries: Delivery[]): Promise<Outcome[]> => writer.write(deliveries);
    this.large = new Batcher(commit, new FairQueue(LIMITS), REST_OF_LARGE);
    this.small = new Batcher(commit, new FairQueue(LIMITS), REST_OF_SMALL);
  }

  /** Resolves with what became of a delivery to a tenant that has so many workers. */
  store(delivery: Delivery, workers: number): Promise<Outcome> {
    const { tenantId, body } = delivery;
    const lane = workers > SMALL_WORKERS ? this.large : this.small;
    return lane.add(delivery, { key: tenantId, weight: workers, bytes: body.byteLength });
  }
}
