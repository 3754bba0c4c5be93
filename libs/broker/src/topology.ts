import type { RabbitMQExchangeConfig } from '@golevelup/nestjs-rabbitmq';
import type { Environment } from '@app/config';
import type { Channel, Options } from 'amqplib';

/** Every exchange and queue by name, and what they are declared with. Nothing else declares any. */
export const topology = {
  /** Messages come in here, by HTTP or straight from a publisher, routed by the tenant's id. */
  messages: { exchange: 'messaging.messages', type: 'direct' },
  /** One exchange and one queue, shared by all tenants, for what queues of an earlier release set aside. */
  deadLetters: {
    exchange: 'messaging.dead-letters',
    type: 'fanout',
    queue: 'messaging.dead-letters',
  },
  /** "Tenant changed", heard by every replica. */
  control: { exchange: 'messaging.control', type: 'fanout' },
  queueFor: (tenantId: string): string => `tenant_${tenantId}_queue`,
  /** The other way round; undefined for a queue of nobody's. */
  tenantOf: (queue: string): string | undefined =>
    /^tenant_([0-9a-f-]{36})_queue$/.exec(queue)?.[1],
} as const;

type QueueSettings = Pick<Environment, 'QUEUE_TYPE'>;

/** The durable exchanges, which every connection declares before it is used. */
export function exchanges(): RabbitMQExchangeConfig[] {
  const { messages, deadLetters } = topology;
  return [messages, deadLetters].map(({ exchange, type }) => ({
    name: exchange,
    type,
    options: { durable: true },
  }));
}

/** Declares the queue of dead letters, shared by all tenants; safe to repeat. */
export async function declareDeadLetterQueue(
  channel: Channel,
  { QUEUE_TYPE }: QueueSettings,
): Promise<void> {
  const { exchange, type, queue } = topology.deadLetters;
  await channel.assertExchange(exchange, type, { durable: true });
  await channel.assertQueue(queue, { durable: true, arguments: typeArguments(QUEUE_TYPE) });
  await bindDeadLetterQueue(channel);
}

export async function bindDeadLetterQueue(channel: Channel): Promise<void> {
  const { exchange, queue } = topology.deadLetters;
  await channel.bindQueue(queue, exchange, '');
}

/** A replica's own, gone with its connection: what it missed meanwhile it reads when it is back. */
export async function declareControlQueue(channel: Channel): Promise<string> {
  const { exchange, type } = topology.control;
  await channel.assertExchange(exchange, type, { durable: true });
  const { queue } = await channel.assertQueue('', { exclusive: true, autoDelete: true });
  await channel.bindQueue(queue, exchange, '');
  return queue;
}

/** Declares a tenant's queue and binds it by the tenant's id; safe to repeat. */
export async function declareQueue(
  channel: Channel,
  tenantId: string,
  settings: QueueSettings,
): Promise<void> {
  await channel.assertQueue(topology.queueFor(tenantId), queueOptions(settings));
  await bindQueue(channel, tenantId);
}

/** Has what is published with the tenant's id routed to its queue; safe to repeat. */
export async function bindQueue(channel: Channel, tenantId: string): Promise<void> {
  await channel.bindQueue(topology.queueFor(tenantId), topology.messages.exchange, tenantId);
}

/** Beyond what any message comes back: the broker sets nothing aside by itself, and so drops nothing. */
const NEVER = 2 ** 31 - 1;

/**
 * - Of several consumers one is active at a time, the others wait: should two replicas take a tenant
 *   for their own for a moment, its workers are still not exceeded.
 *   https://www.rabbitmq.com/docs/consumers#single-active-consumer
 * - Should a policy limit the queue's length, what comes is refused, and nothing dropped that waits.
 * - There is no dead letter exchange: what comes back too often is set aside by its consumer, who reads
 *   how often the queue has counted it. RabbitMQ 3.10 reads the publisher's `x-death` when it dead-letters:
 *   one message that expires with a forged one there ends that queue, or, at least once, the dead lettering
 *   of all queues of the node, which from then on declares no other.
 */
function queueOptions({ QUEUE_TYPE }: QueueSettings): Options.AssertQueue {
  const own = { 'x-single-active-consumer': true, 'x-overflow': 'reject-publish' };
  return { durable: true, arguments: { ...typeArguments(QUEUE_TYPE), ...own } };
}

/** The delivery limit is set for releases that would have one of 20 by themselves. */
const typeArguments = (type: QueueSettings['QUEUE_TYPE']): Record<string, unknown> => ({
  'x-queue-type': type,
  ...(type === 'quorum' && { 'x-delivery-limit': NEVER }),
});
