import {
  type ChannelModel,
  connect,
  type ConfirmChannel,
  type ConsumeMessage,
  type Options,
} from 'amqplib';
import { servers } from './servers';

export const queueOf = (tenantId: string): string => `tenant_${tenantId}_queue`;

export interface QueueCounts {
  readonly ready: number;
  readonly consumers: number;
}

/** The broker, as a service that speaks AMQP sees it. */
export class TestBroker {
  private constructor(
    private readonly connection: ChannelModel,
    readonly channel: ConfirmChannel,
  ) {}

  static async connect(url = servers().rabbitmqUrl): Promise<TestBroker> {
    const connection = await connect(url);
    connection.on('error', () => undefined);
    const channel = await connection.createConfirmChannel();
    channel.on('error', () => undefined);
    return new TestBroker(connection, channel);
  }

  /** Publishes as the contract says; resolves when it is confirmed. */
  async publish(
    tenantId: string,
    body: string | Buffer,
    options: Options.Publish = {},
  ): Promise<void> {
    const properties = { deliveryMode: 2, ...options };
    this.channel.publish('messaging.messages', tenantId, Buffer.from(body), properties);
    await this.channel.waitForConfirms();
  }

  /** @returns undefined when there is no such queue */
  queue(tenantId: string): Promise<QueueCounts | undefined> {
    return this.queueNamed(queueOf(tenantId));
  }

  async queueNamed(name: string): Promise<QueueCounts | undefined> {
    const channel = await this.connection.createChannel();
    channel.on('error', () => undefined);
    try {
      const { messageCount, consumerCount } = await channel.checkQueue(name);
      await channel.close();
      return { ready: messageCount, consumers: consumerCount };
    } catch {
      return undefined;
    }
  }

  /** The first message that waits for a tenant who is paused; it goes back, delivered once more. */
  async first(tenantId: string): Promise<ConsumeMessage> {
    const [message] = await this.waiting(tenantId, 1);
    return message as ConsumeMessage;
  }

  /** So many that wait in a queue without a consumer; they go back, delivered once more. */
  async waiting(tenantId: string, count: number): Promise<ConsumeMessage[]> {
    const channel = await this.connection.createChannel();
    await channel.prefetch(count);
    const messages: ConsumeMessage[] = [];
    // A queue with a single active consumer does not answer `basic.get`.
    await new Promise<void>((resolve, reject) => {
      channel
        .consume(queueOf(tenantId), (delivered) => {
          if (delivered) messages.push(delivered);
          if (messages.length === count) resolve();
        })
        .catch(reject);
    });
    await channel.close();
    return messages;
  }

  async deleteQueue(tenantId: string): Promise<void> {
    await this.channel.deleteQueue(queueOf(tenantId));
  }

  async close(): Promise<void> {
    await this.connection.close().catch(() => undefined);
  }
}
