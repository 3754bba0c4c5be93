import { setTimeout as delay } from 'node:timers/promises';
import { type ConfirmChannel, connect } from 'amqplib';
import type { Client } from 'pg';
import { uuidv7 } from 'uuidv7';
import { payload } from './payload';

const WINDOW = 2_000;
const STUCK_AFTER_MS = 120_000;

/** Puts `total` messages into the tenants' queues, in turns, and waits for the confirms. */
export async function fillQueues(
  rabbitmqUrl: string,
  tenantIds: readonly string[],
  total: number,
): Promise<void> {
  const connection = await connect(rabbitmqUrl);
  await fillQueuesBy(await connection.createConfirmChannel(), tenantIds, total);
  await connection.close();
}

/** The same, on a channel that stays. */
export async function fillQueuesBy(
  channel: ConfirmChannel,
  tenantIds: readonly string[],
  total: number,
): Promise<void> {
  for (let sent = 0; sent < total; sent++) {
    const tenantId = tenantIds[sent % tenantIds.length] ?? '';
    const properties = { messageId: uuidv7(), deliveryMode: 2 };
    const body = Buffer.from(JSON.stringify(payload()));
    channel.publish('messaging.messages', tenantId, body, properties);
    if (sent % WINDOW === WINDOW - 1) await channel.waitForConfirms();
  }
  await channel.waitForConfirms();
}

/** Waits until `total` rows are stored; returns messages a second from `start` to the last of them. */
export async function untilStored(client: Client, total: number, start: number): Promise<number> {
  const text = `SELECT count(*)::int AS count, max(stored_at) AS last FROM messages`;
  while (Date.now() < start + STUCK_AFTER_MS) {
    const { rows } = await client.query<{ count: number; last: Date }>(text);
    const [row] = rows;
    if (row && row.count >= total) return (total * 1000) / (row.last.getTime() - start);
    await delay(100);
  }
  throw new Error(`The ${total} messages are not stored after ${STUCK_AFTER_MS} ms`);
}
