import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Environment } from '@app/config';
import type { Replies } from 'amqplib';
import { ConsumingConnection } from './connections';
import { isOtherArguments, isQueueMissing } from './broker-errors';
import { atMost } from './deadline';
import { bindQueue, declareQueue, topology } from './topology';

const UNUSED_WITHIN_MS = 1_000;
const POLL_MS = 50;

/** A figure for a reader, who would rather have the rest than wait. */
const COUNT_WITHIN_MS = 1_000;

/** The tenants' queues, seen from outside: each operation on a channel of its own. */
@Injectable()
export class TenantQueues {
  constructor(
    private readonly connection: ConsumingConnection,
    private readonly environment: Environment,
  ) {}

  /**
   * For a tenant that is being created: whoever does that can wait for a reconnect, and would have
   * to begin again.
   *
   * @throws BrokerUnavailable
   */
  async create(tenantId: string): Promise<void> {
    await this.connection.reconnected();
    await this.declare(tenantId);
  }

  /**
   * Declares and binds the queue. One that is there with other arguments, those of an earlier
   * release or another `QUEUE_TYPE`, is used as it is: a queue's arguments cannot be changed, and
   * what waits in it must not be stranded.
   *
   * @throws BrokerUnavailable, also when somebody else has the queue for himself
   */
  async declare(tenantId: string): Promise<void> {
    const { connection, environment } = this;
    try {
      await connection.withChannel((channel) => declareQueue(channel, tenantId, environment));
    } catch (error) {
      if (!isOtherArguments(error)) throw error;
      await connection.withChannel((channel) => bindQueue(channel, tenantId));
    }
  }

  /** From here on nothing is routed to the queue: who publishes for the tenant hears so. */
  async unbind(tenantId: string): Promise<void> {
    const { exchange } = topology.messages;
    await this.connection.withChannel((channel) =>
      channel.unbindQueue(topology.queueFor(tenantId), exchange, tenantId),
    );
  }

  /**
   * Deletes the queue and what waits in it; fine when it is gone already. Waits a moment for its
   * consumers to leave, while nothing more is routed to it: RabbitMQ 3.10 may end the connection of one
   * that has just come.
   */
  async delete(tenantId: string): Promise<void> {
    if ((await this.consumers(tenantId)) > 0) {
      await this.unbind(tenantId);
      await this.unused(tenantId);
    }
    await this.connection.withChannel((channel) =>
      channel.deleteQueue(topology.queueFor(tenantId)),
    );
  }

  private async unused(tenantId: string): Promise<void> {
    const deadline = Date.now() + UNUSED_WITHIN_MS;
    while (Date.now() < deadline && (await this.consumers(tenantId)) > 0) await delay(POLL_MS);
  }

  private async consumers(tenantId: string): Promise<number> {
    const counts = await this.counts(tenantId);
    return counts?.consumerCount ?? 0;
  }

  /** Messages ready for delivery, or null when the queue or the broker is away, or too slow to say. */
  async ready(tenantId: string): Promise<number | null> {
    const counts = await atMost(COUNT_WITHIN_MS, this.counts(tenantId));
    return counts?.messageCount ?? null;
  }

  /**
   * What is ready for delivery in each queue, asked one after the other on one channel. A queue that is
   * missing closes that channel: then each is asked on its own, and what is missing is left out.
   *
   * @throws BrokerUnavailable, also when one queue of them fails in another way
   */
  async readyOf(tenantIds: readonly string[]): Promise<Map<string, number>> {
    try {
      const asked = await this.connection.withChannel((channel) =>
        Promise.all(tenantIds.map((tenantId) => channel.checkQueue(topology.queueFor(tenantId)))),
      );
      return new Map(asked.map(({ messageCount }, at) => [tenantIds[at] ?? '', messageCount]));
    } catch (error) {
      if (!isQueueMissing(error)) throw error;
      return this.readyOneByOne(tenantIds);
    }
  }

  /** The same, each asked on a channel of its own; what does not answer is left out. */
  async readyOneByOne(tenantIds: readonly string[]): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    for (const tenantId of tenantIds) {
      const ready = await this.ready(tenantId);
      if (ready !== null) found.set(tenantId, ready);
    }
    return found;
  }

  private async counts(tenantId: string): Promise<Replies.AssertQueue | undefined> {
    const queue = topology.queueFor(tenantId);
    return this.connection
      .withChannel((channel) => channel.checkQueue(queue))
      .catch(() => undefined);
  }
}
