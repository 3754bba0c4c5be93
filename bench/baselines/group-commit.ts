/**
 * Baseline: what somebody would write by hand who knows about group commit. amqplib and pg, no
 * framework, no tenants coming and going, no poison, no drain.
 */
import type { Channel, ConsumeMessage } from 'amqplib';
import { Pool } from 'pg';
import { type ConsumingJob, job } from '../support/job';
import { consumeFromAll } from './tenant-channels';

interface Row {
  readonly tenantId: string;
  readonly message: ConsumeMessage;
  readonly channel: Channel;
}

const MAX_ROWS = 500;
const STATEMENTS = 2;
const INSERT = {
  name: 'insert',
  text: `
    INSERT INTO messages (tenant_id, id, payload, accepted_at)
    SELECT tenant_id, id, payload, now()
    FROM ROWS FROM (unnest($1::uuid[]), unnest($2::uuid[]), jsonb_array_elements($3::jsonb))
      AS m (tenant_id, id, payload)
    ON CONFLICT DO NOTHING`,
};

const ours = job() as ConsumingJob;
const pool = new Pool({ connectionString: ours.databaseUrl, max: STATEMENTS });
let waiting: Row[] = [];
let underWay = 0;

async function flush(): Promise<void> {
  while (waiting.length > 0) {
    const rows = waiting.slice(0, MAX_ROWS);
    waiting = waiting.slice(MAX_ROWS);
    const tenants = rows.map(({ tenantId }) => tenantId);
    const ids = rows.map(({ message }) => message.properties.messageId as string);
    const payloads = `[${rows.map(({ message }) => message.content.toString()).join(',')}]`;
    await pool.query({ ...INSERT, values: [tenants, ids, payloads] });
    for (const { channel, message } of rows) channel.ack(message);
  }
}

function take(row: Row): void {
  waiting.push(row);
  if (underWay === STATEMENTS) return;
  underWay++;
  setImmediate(() => void flush().finally(() => underWay--));
}

void consumeFromAll(ours, (tenantId, message, channel) => take({ tenantId, message, channel }));
