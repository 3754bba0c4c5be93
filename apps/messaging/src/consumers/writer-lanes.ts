import { Injectable } from '@nestjs/common';
import { Batcher } from './batcher';
import type { Delivery } from './delivery';
import { FairQueue } from './fair-queue';
import { MessageWriter } from './message-writer';
import type { Outcome } from './settlement';

/** PostgreSQL takes 98,000 rows a second from one connection, 155,000 from two, 162,000 from four. */
const LANES = 2;

/** Past a few hundred rows a statement gets no cheaper per row, and others wait longer. */
const LIMITS = { maxRows: 500, maxBytes: 8 * 1024 * 1024 };

/** A few group commits side by side. A tenant is always in the same one, so that its order holds. */
@Injectable()
export class WriterLanes {
  private readonly lanes: readonly Batcher<Delivery, Outcome>[];

  constructor(writer: MessageWriter) {
    const commit = (deliveries: Delivery[]): Promise<Outcome[]> => writer.write(deliveries);
    this.lanes = Array.from({ length: LANES }, () => new Batcher(commit, new FairQueue(LIMITS)));
  }

  /** Resolves with what became of a delivery to a tenant that has so many workers. */
  store(delivery: Delivery, workers: number): Promise<Outcome> {
    const { tenantId, body } = delivery;
    // The last digits of a UUID, of version 7 too, are random.
    const lane = Number.parseInt(tenantId.slice(-6), 16) % LANES;
    const claim = { key: tenantId, weight: workers, bytes: body.byteLength };
    return (this.lanes[lane] as Batcher<Delivery, Outcome>).add(delivery, claim);
  }
}
