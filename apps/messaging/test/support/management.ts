import { queueOf, type TestBroker } from './broker';
import { eventually } from './eventually';
import { servers } from './servers';

/** One consumer of a queue, as the management API shows it. */
export interface ConsumerDetails {
  readonly consumer_tag: string;
  readonly prefetch_count: number;
  readonly channel_details: { readonly name?: string };
}

interface QueueDetails {
  readonly arguments?: Readonly<Record<string, unknown>>;
  readonly messages?: number;
  readonly messages_unacknowledged?: number;
  readonly consumer_details?: ConsumerDetails[];
}

/** The consumers of a tenant's queue. */
export async function consumersOf(tenantId: string): Promise<ConsumerDetails[]> {
  return (await queue(tenantId)).consumer_details ?? [];
}

/** What a tenant's queue was declared with. */
export async function argumentsOf(tenantId: string): Promise<QueueDetails['arguments']> {
  return (await queue(tenantId)).arguments;
}

/** What waits in a tenant's queue, or is taken and not settled, 2 s ago at most. */
export async function messagesIn(tenantId: string): Promise<number> {
  return (await queue(tenantId)).messages ?? 0;
}

/** What is taken and not settled, of such a time. */
export async function unacknowledged(tenantId: string): Promise<number> {
  return (await queue(tenantId)).messages_unacknowledged ?? 0;
}

interface ListedConsumer extends ConsumerDetails {
  readonly queue: { readonly name: string };
}

/**
 * How many consumers each of these tenants has now, those included who wait in line behind a single active
 * one: AMQP does not tell of them. The list shows who came with a delay, and in their order: with one that
 * came just now, it is of now.
 */
export async function consumerCounts(
  { channel }: TestBroker,
  tenantIds: readonly string[],
): Promise<number[]> {
  const { queue: latest } = await channel.assertQueue('', { exclusive: true });
  await channel.consume(latest, () => undefined);
  const queues = await eventually(async () => {
    const consumers = await ask<ListedConsumer[]>('/api/consumers/%2F');
    const listed = consumers.map(({ queue: { name } }) => name);
    expect(listed).toContain(latest);
    return listed;
  });
  await channel.deleteQueue(latest);
  return tenantIds.map((tenantId) => queues.filter((name) => name === queueOf(tenantId)).length);
}

interface ChannelDetails {
  readonly prefetch_count?: number;
  readonly messages_unacknowledged?: number;
}

/**
 * What is taken and not settled on the channels with this prefetch count, 1.5 s ago at most: a test's
 * own, when no other tenant has as many workers.
 */
export async function unsettledByPrefetch(prefetchCount: number): Promise<number> {
  const channels = await ask<ChannelDetails[]>('/api/channels');
  return channels
    .filter(({ prefetch_count }) => prefetch_count === prefetchCount)
    .reduce((sum, { messages_unacknowledged }) => sum + (messages_unacknowledged ?? 0), 0);
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
