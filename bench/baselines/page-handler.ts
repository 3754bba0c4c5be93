/** Baseline: the same SQL through pg, and a Fastify handler that answers with what comes. */
import fastify from 'fastify';
import { Pool } from 'pg';
import { job } from '../support/job';

interface Found {
  readonly id: string;
  readonly stored_xid: string;
}

const LAST = ['18446744073709551615', 'ffffffff-ffff-ffff-ffff-ffffffffffff'];
const PAGE = {
  name: 'page',
  text: `
    SELECT id, type, payload, accepted_at, stored_at, stored_xid
    FROM messages
    WHERE tenant_id = $1 AND (stored_xid, id) < ($2::xid8, $3::uuid)
      AND EXISTS (SELECT FROM tenants WHERE tenant_id = $1 AND removed_at IS NULL)
    ORDER BY stored_xid DESC, id DESC
    LIMIT $4`,
};

const { databaseUrl, tenantId, limit } = job() as {
  databaseUrl: string;
  tenantId: string;
  limit: number;
};
const options = '-c plan_cache_mode=force_custom_plan';
const pool = new Pool({ connectionString: databaseUrl, max: 10, options });

async function main(): Promise<void> {
  const app = fastify();
  app.get('/health/live', () => ({ status: 'ok' }));
  app.get('/messages', async () => {
    const values = [tenantId, ...LAST, limit + 1];
    const { rows } = await pool.query<Found>({ ...PAGE, values });
    const data = rows.slice(0, limit).map(({ stored_xid: _, ...message }) => message);
    const last = rows[limit - 1];
    return { data, next_cursor: last ? `${last.stored_xid}.${last.id}` : null };
  });
  await app.listen({ port: Number(process.env['PORT']), host: '127.0.0.1' });
}

void main();
