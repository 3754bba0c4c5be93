import type { Channel, ChannelModel } from 'amqplib';
import { connectAmqp } from './amqp';

/** Queues that nobody consumes; emptied between measurements, so that each finds them the same. */
export class PurgedQueues {
  private constructor(
    private readonly connection: ChannelModel,
    private readonly channel: Channel,
    private readonly tenantIds: readonly string[],
  ) {}

  static async of(rabbitmqUrl: string, tenantIds: readonly string[]): Promise<PurgedQueues> {
    const connection = await connectAmqp(rabbitmqUrl);
    return new PurgedQueues(connection, await connection.createChannel(), tenantIds);
  }

  async purge(): Promise<void> {
    for (const tenantId of this.tenantIds)
      await this.channel.purgeQueue(`tenant_${tenantId}_queue`);
  }

  /** Messages that wait in all of them. */
  async depth(): Promise<number> {
    const check = (id: string): Promise<{ messageCount: number }> =>
      this.channel.checkQueue(`tenant_${id}_queue`);
    const counts = await Promise.all(this.tenantIds.map(check));
    return counts.reduce((sum, { messageCount }) => sum + messageCount, 0);
  }

  close(): Promise<void> {
    return this.connection.close();
  }
}
