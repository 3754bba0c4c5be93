import { queueOf } from './broker';
import { servers } from './servers';

/** One consumer of a queue, as the management API shows it. */
export interface ConsumerDetails {
  readonly consumer_tag: string;
  readonly prefetch_count: number;
  readonly channel_details: { readonly name?: string };
}

interface QueueDetails {
  readonly consumer_details?: ConsumerDetails[];
  readonly message_stats?: { readonly deliver?: number; readonly redeliver?: number };
}

/** The consumers of a tenant's queue. */
export async function consumersOf(tenantId: string): Promise<ConsumerDetails[]> {
  return (await queue(tenantId)).consumer_details ?? [];
}

/** How often messages were delivered, and how many of these deliveries were repeated ones. */
export async function deliveriesOf(
  tenantId: string,
): Promise<{ delivered: number; repeated: number }> {
  const { message_stats: stats } = await queue(tenantId);
  return { delivered: stats?.deliver ?? 0, repeated: stats?.redeliver ?? 0 };
}

/**
 * What a tenant's consumers have taken and not settled, summed over the channels that ever had one
 * of them: a consumer that was cancelled settles what it has. A channel's figures are as old as the
 * statistics interval, which is half a second; a quorum queue's own are up to 5 s old.
 */
export class UnsettledWatch {
  private readonly channels = new Set<string>();

  constructor(private readonly tenantId: string) {}

  async count(): Promise<number> {
    for (const { channel_details: channel } of await consumersOf(this.tenantId)) {
      if (channel.name) this.channels.add(channel.name);
    }
    const counts = await Promise.all([...this.channels].map(unsettledOn));
    return counts.reduce((sum, count) => sum + count, 0);
  }
}

async function unsettledOn(channel: string): Promise<number> {
  const path = `/api/channels/${encodeURIComponent(channel)}`;
  const { messages_unacknowledged: count } = await ask<{ messages_unacknowledged?: number }>(path);
  return count ?? 0;
}

const queue = (tenantId: string): Promise<QueueDetails> =>
  ask(`/api/queues/%2F/${queueOf(tenantId)}`);

/** What is not there answers with an error's body, which has none of what is asked for. */
async function ask<Body>(path: string): Promise<Body> {
  const { managementUrl } = servers();
  if (!managementUrl) throw new Error('Set RABBITMQ_MANAGEMENT_URL for the broker of RABBITMQ_URL');
  const response = await fetch(managementUrl + path, {
    headers: { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}` },
  });
  return (await response.json()) as Body;
}
