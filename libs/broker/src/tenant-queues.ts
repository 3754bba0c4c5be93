import { Injectable } from '@nestjs/common';
import { Environment } from '@app/config';
import type { Channel } from 'amqplib';
import { ConsumingConnection } from './connections';
import { declareQueue, topology } from './topology';

/** The tenants' queues, seen from outside: each operation on a channel of its own. */
@Injectable()
export class TenantQueues {
  constructor(
    private readonly connection: ConsumingConnection,
    private readonly environment: Environment,
  ) {}

  /** @throws BrokerUnavailable */
  async declare(tenantId: string): Promise<void> {
    await this.connection.withChannel((channel) => this.declareOn(channel, tenantId));
  }

  /** The same on the caller's channel; all requests are sent before this returns its promise. */
  declareOn(channel: Channel, tenantId: string): Promise<void> {
    return declareQueue(channel, tenantId, this.environment);
  }

  /** Deletes the queue and what waits in it; fine when it is gone already. */
  async delete(tenantId: string): Promise<void> {
    await this.connection.withChannel((channel) =>
      channel.deleteQueue(topology.queueFor(tenantId)),
    );
  }

  /** Messages ready for delivery, or null when the queue or the broker is away. */
  async ready(tenantId: string): Promise<number | null> {
    try {
      const { messageCount } = await this.connection.withChannel((channel) =>
        channel.checkQueue(topology.queueFor(tenantId)),
      );
      return messageCount;
    } catch {
      return null;
    }
  }
}
