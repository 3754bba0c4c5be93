import { setTimeout as delay } from 'node:timers/promises';
import { type Channel, type ChannelModel, connect, type ConsumeMessage } from 'amqplib';
import { type ConsumingJob, consumeWhenTold } from '../support/job';

type Take = (tenantId: string, message: ConsumeMessage, channel: Channel) => void;

/** What an ack needs into its queue: those that are on their way when a channel is closed are dropped. */
const ACKS_ARRIVE_WITHIN_MS = 100;

/** A channel for each tenant, with its workers for a prefetch count, whenever this is told to consume. */
export async function consumeFromAll(job: ConsumingJob, take: Take): Promise<void> {
  const connection = await connect(job.rabbitmqUrl);
  consumeWhenTold(async () => {
    const channels = await openAll(connection, job, take);
    return async () => {
      await delay(ACKS_ARRIVE_WITHIN_MS);
      await Promise.all(channels.map((channel) => channel.close()));
    };
  });
}

function openAll(
  connection: ChannelModel,
  { tenantIds, workers }: ConsumingJob,
  take: Take,
): Promise<Channel[]> {
  return Promise.all(
    tenantIds.map(async (tenantId) => {
      const channel = await connection.createChannel();
      await channel.prefetch(workers);
      await channel.consume(`tenant_${tenantId}_queue`, (message) => {
        if (message) take(tenantId, message, channel);
      });
      return channel;
    }),
  );
}
