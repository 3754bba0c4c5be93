import { type Place, topology } from '@app/broker';
import type { ConsumeMessage } from 'amqplib';
import { type Begin, QueueConsumer } from './queue-consumer';
import type { Outcome } from './settlement';
import type { WantedConsumer } from './tenant-leases';

export interface TenantConsumerParts {
  /** Where its channel is; left by whoever made the consumer, when it has ended. */
  readonly place: Place;
  /** Begins the handling of a delivery: at once, or in its turn. */
  readonly begin: Begin;
  /** Finds a delivery its outcome; when it fails, the message goes back. */
  readonly handle: (message: ConsumeMessage) => Promise<Outcome>;
  readonly onFailed: (error: unknown) => void;
  /** Called once, when it ends without having been asked to. */
  readonly onBroken: (consumer: TenantConsumer, reason: string) => void;
}

/** One tenant's consumer. A worker handles one message at a time: the prefetch count is their number. */
export class TenantConsumer extends QueueConsumer {
  readonly place: Place;
  readonly tenantId: string;
  readonly workers: number;

  constructor({ tenantId, workers }: WantedConsumer, parts: TenantConsumerParts) {
    super({
      connection: parts.place.connection,
      queue: topology.queueFor(tenantId),
      prefetch: workers,
      begin: parts.begin,
      handle: parts.handle,
      onFailed: parts.onFailed,
      onBroken: (reason) => parts.onBroken(this, reason),
    });
    this.place = parts.place;
    this.tenantId = tenantId;
    this.workers = workers;
  }
}
