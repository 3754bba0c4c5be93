/** Baseline: the usual way. Each message is an INSERT of its own, and acked after it. */
import type { Channel, ConsumeMessage } from 'amqplib';
import { Pool } from 'pg';
import { type ConsumingJob, job } from '../support/job';
import { consumeFromAll } from './tenant-channels';

const CONNECTIONS = 10;
const INSERT = {
  name: 'insert',
  text: `
    INSERT INTO messages (tenant_id, id, payload, accepted_at) VALUES ($1, $2, $3, now())
    ON CONFLICT DO NOTHING`,
};

const ours = job() as ConsumingJob;
const pool = new Pool({ connectionString: ours.databaseUrl, max: CONNECTIONS });

async function store(tenantId: string, message: ConsumeMessage, channel: Channel): Promise<void> {
  const { messageId } = message.properties as { messageId: string };
  await pool.query({ ...INSERT, values: [tenantId, messageId, message.content.toString()] });
  channel.ack(message);
}

void consumeFromAll(ours, (...taken) => void store(...taken));
