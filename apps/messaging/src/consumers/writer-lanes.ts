import { Injectable } from '@nestjs/common';
import { Batcher } from './batcher';
import type { Delivery } from './delivery';
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
    const bytesOf = ({ body }: Delivery): number => body.byteLength;
    this.lanes = Array.from({ length: LANES }, () => new Batcher(commit, LIMITS, bytesOf));
  }

  store(delivery: Delivery): Promise<Outcome> {
    // The last digits of a UUID, of version 7 too, are random.
    const lane = Number.parseInt(delivery.tenantId.slice(-6), 16) % LANES;
    return (this.lanes[lane] as Batcher<Delivery, Outcome>).add(delivery);
  }
}
