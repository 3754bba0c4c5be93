import type { RabbitMQExchangeConfig } from '@golevelup/nestjs-rabbitmq';
import type { Environment } from '@app/config';
import type { Channel, Options } from 'amqplib';

/** Every exchange and queue by name, and what they are declared with. Nothing else declares any. */
export const topology = {
  /** Messages come in here, by HTTP or straight from a publisher, routed by the tenant's id. */
  messages: { exchange: 'messaging.messages', type: 'direct' },
  /** One exchange and one queue, shared by all tenants, for what keeps killing its consumer. */
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

type QueueSettings = Pick<Environment, 'QUEUE_TYPE' | 'DEAD_LETTER_AFTER'>;

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
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': QUEUE_TYPE } });
  await bindDeadLetterQueue(channel);
}

export async function bindDeadLetterQueue(channel: Channel): Promise<void> {
  const { exchange, queue } = topology.deadLetters;
  await channel.bindQueue(queue, exchange, '');
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

/**
 * - Of several consumers one is active at a time, the others wait: should two replicas take a tenant
 *   for their own for a moment, its workers are still not exceeded.
 *   https://www.rabbitmq.com/docs/consumers#single-active-consumer
 * - The delivery limit counts the deliveries after the first one, hence the minus one. It is set
 *   explicitly since its default differs between RabbitMQ's releases. Classic queues have none: see `delivery-limit`.
 * - Dead-lettering at least once (a quorum queue's own, since 3.10) needs `reject-publish`.
 */
function queueOptions({ QUEUE_TYPE, DEAD_LETTER_AFTER }: QueueSettings): Options.AssertQueue {
  const shared = {
    'x-queue-type': QUEUE_TYPE,
    'x-single-active-consumer': true,
    'x-dead-letter-exchange': topology.deadLetters.exchange,
  };
  const quorum = {
    'x-delivery-limit': DEAD_LETTER_AFTER - 1,
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  };
  return {
    durable: true,
    arguments: QUEUE_TYPE === 'quorum' ? { ...shared, ...quorum } : shared,
  };
}
