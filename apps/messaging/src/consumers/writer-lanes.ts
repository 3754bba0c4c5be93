import { Injectable } from '@nestjs/common';
import { Batcher, type Rest } from './batcher';
import type { Delivery } from './delivery';
import { FairQueue } from './fair-queue';
import { MessageWriter } from './message-writer';
import { RequestsUnderWay } from './requests-under-way';
import type { Outcome } from './settlement';

/** A tenant with more of them is a large one. */
const SMALL_WORKERS = 10;

const MAX_BYTES = 8 * 1024 * 1024;

/** While a batch is read, sent and acked nobody else has a turn: with twice as many rows others wait twice as long. */
const LARGE_BATCH = { maxRows: 125, maxBytes: MAX_BYTES };

/** Past a few hundred rows a statement gets no cheaper per row. */
const SMALL_BATCH = { maxRows: 250, maxBytes: MAX_BYTES };

/**
 * The large lane could keep this process, the database and the broker busy without a pause, and then
 * all that others ask of them would wait in line. A part of its time is theirs, and a larger one while
 * somebody waits for an answer, or for a small tenant's message to be stored.
 */
const REST_OF_LARGE = 0.2;
const REST_WHILE_OTHERS_WAIT = 0.8;

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

  constructor(writer: MessageWriter, requests: RequestsUnderWay) {
    const commit = (deliveries: Delivery[]): Promise<Outcome[]> => writer.write(deliveries);
    const small = new Batcher(commit, new FairQueue(SMALL_BATCH), restOfSmall);
    const restOfLarge: Rest = () =>
      requests.any || small.isBusy ? REST_WHILE_OTHERS_WAIT : REST_OF_LARGE;
    this.large = new Batcher(commit, new FairQueue(LARGE_BATCH), restOfLarge);
    this.small = small;
  }

  /** Resolves with what became of a delivery to a tenant that has so many workers. */
  store(delivery: Delivery, workers: number): Promise<Outcome> {
    const { tenantId, body } = delivery;
    const lane = workers > SMALL_WORKERS ? this.large : this.small;
    return lane.add(delivery, { key: tenantId, weight: workers, bytes: body.byteLength });
  }
}
