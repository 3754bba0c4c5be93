import type { Options } from 'amqplib';
import type { TestBroker } from './broker';

/** A message as a service publishes it over AMQP. */
export interface Publication {
  readonly tenantId: string;
  readonly body: string | Buffer;
  readonly options: Options.Publish;
}

/** Publishes without waiting in between; resolves when the broker has confirmed all of them. */
export async function publishAll(
  { channel }: TestBroker,
  publications: readonly Publication[],
): Promise<void> {
  for (const { tenantId, body, options } of publications) {
    const properties = { deliveryMode: 2, ...options };
    channel.publish('messaging.messages', tenantId, Buffer.from(body), properties);
  }
  await channel.waitForConfirms();
}
