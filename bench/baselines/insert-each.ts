/** Baseline: the usual way. Each message is an INSERT of its own, and acked after it. */
import { connect, type Channel, type ConsumeMessage } from 'amqplib';
import { Pool } from 'pg';
import { type ConsumingJob, job } from '../support/job';

const CONNECTIONS = 10;
const INSERT = {
  name: 'insert',
  text: `
    INSERT INTO messages (tenant_id, id, payload, accepted_at) VALUES ($1, $2, $3, now())
    ON CONFLICT DO NOTHING`,
};

const { databaseUrl, rabbitmqUrl, tenantIds, workers } = job() as ConsumingJob;
const pool = new Pool({ connectionString: databaseUrl, max: CONNECTIONS });

async function store(tenantId: string, message: ConsumeMessage, channel: Channel): Promise<void> {
  const { messageId } = message.properties as { messageId: string };
  await pool.query({ ...INSERT, values: [tenantId, messageId, message.content.toString()] });
  channel.ack(message);
}

async function main(): Promise<void> {
  const connection = await connect(rabbitmqUrl);
  for (const tenantId of tenantIds) {
    const channel = await connection.createChannel();
    await channel.prefetch(workers);
    await channel.consume(`tenant_${tenantId}_queue`, (message) => {
      if (message) void store(tenantId, message, channel);
    });
  }
}

void main();
