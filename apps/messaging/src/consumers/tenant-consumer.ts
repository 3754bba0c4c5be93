import { type Place, topology } from '@app/broker';
import { type ConsumerParts, QueueConsumer } from './queue-consumer';
import type { WantedConsumer } from './tenant-leases';

type SharedParts = 'round' | 'begin' | 'handle' | 'onFailed';

export interface TenantConsumerParts extends Pick<ConsumerParts, SharedParts> {
  /** Where its channel is; left by whoever made the consumer, when it has ended. */
  readonly place: Place;
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
      round: parts.round,
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
