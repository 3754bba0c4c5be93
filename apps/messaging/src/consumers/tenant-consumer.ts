import { type ConsumingConnection, topology } from '@app/broker';
import type { ConsumeMessage } from 'amqplib';
import type { WantedConsumer } from '../tenants/tenants.service';
import { QueueConsumer } from './queue-consumer';
import type { Outcome } from './settlement';

export interface TenantConsumerParts {
  readonly connection: ConsumingConnection;
  /** Finds a delivery its outcome; never rejects. */
  readonly handle: (tenantId: string, message: ConsumeMessage) => Promise<Outcome>;
  /** Called once, when it ends without having been asked to. */
  readonly onBroken: (consumer: TenantConsumer, reason: string) => void;
}

/** One tenant's consumer. A worker handles one message at a time: the prefetch count is their number. */
export class TenantConsumer extends QueueConsumer {
  readonly tenantId: string;
  readonly workers: number;

  constructor({ tenantId, workers }: WantedConsumer, parts: TenantConsumerParts) {
    super({
      connection: parts.connection,
      queue: topology.queueFor(tenantId),
      prefetch: workers,
      handle: (message) => parts.handle(tenantId, message),
      onBroken: (reason) => parts.onBroken(this, reason),
    });
    this.tenantId = tenantId;
    this.workers = workers;
  }
}
