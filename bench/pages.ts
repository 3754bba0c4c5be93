import type { Client } from 'pg';
import { inTurns } from './support/contest';
import { comparison, perSecond, type Row } from './support/figures';
import { httpLoad } from './support/http';
import { jobVariables } from './support/job';
import { MeasuredProcess } from './support/process';
import type { Servers } from './support/servers';
import { createTenants } from './support/tenants';

const PAGE = 50;
const DEEP = 10_000;
/** The longest page that there is, for getting to the deep one in fewer steps. */
const STEP = 200;
const LOAD = { method: 'GET', connections: 10, seconds: 5 } as const;

/** The first page against a bare handler, and a deep page against the first one. */
export async function pages(servers: Servers): Promise<Row[]> {
  const service = await MeasuredProcess.service(servers);
  const [tenantId = ''] = await createTenants(service, 1, 1);
  await fill(servers.client, tenantId);
  const path = `/api/tenants/${tenantId}/messages?limit=${PAGE}`;
  const deep = await cursorOfPage(service, tenantId, DEEP);
  const env = jobVariables({ databaseUrl: servers.databaseUrl, tenantId, limit: PAGE });
  const bare = await MeasuredProcess.server('bench/baselines/page-handler.js', env);
  const rate = async ({ url }: MeasuredProcess, page: string): Promise<number> =>
    (await httpLoad({ ...LOAD, url, paths: [page] })).rate;
  const [first = NaN, theirs = NaN, far = NaN] = await inTurns([
    { name: 'first page', measure: () => rate(service, path) },
    { name: 'bare handler', measure: () => rate(bare, '/messages') },
    { name: `page ${DEEP}`, measure: () => rate(service, `${path}&cursor=${deep}`) },
  ]);
  await Promise.all([service.stop(), bare.stop()]);
  return [
    comparison({
      what: `GET …/messages, first page of ${PAGE}`,
      ...{ ours: first, against: 'the same SQL, pg, bare Fastify', theirs, unit: perSecond },
      wanted: { atLeast: 0.8 },
    }),
    comparison({
      what: `GET …/messages, page ${DEEP.toLocaleString('en')}`,
      ...{ ours: far, against: 'the first page', theirs: first, unit: perSecond },
      wanted: { atLeast: 0.9 },
    }),
  ];
}

/** In transactions of 500 rows, as the service stores them. */
async function fill(client: Client, tenantId: string): Promise<void> {
  const batches = ((DEEP + 1) * PAGE) / 500;
  await client.query(`
    DO $$ BEGIN
      FOR batch IN 1 .. ${Math.ceil(batches)} LOOP
        INSERT INTO messages (tenant_id, id, type, payload, accepted_at)
        SELECT '${tenantId}', gen_random_uuid(), 'order.created',
          jsonb_build_object('order', gen_random_uuid(), 'note', repeat('x', 120), 'total', 99.5),
          clock_timestamp()
        FROM generate_series(1, 500);
        COMMIT;
      END LOOP;
    END $$`);
  await client.query('VACUUM ANALYZE messages');
}

/** Turns the pages, as a reader has to. */
async function cursorOfPage(
  service: MeasuredProcess,
  tenantId: string,
  page: number,
): Promise<string> {
  let cursor = '';
  for (let left = (page - 1) * PAGE; left > 0; left -= STEP) {
    const query = `limit=${Math.min(STEP, left)}${cursor && `&cursor=${cursor}`}`;
    const path = `/api/tenants/${tenantId}/messages?${query}`;
    cursor = (await service.call<{ next_cursor: string }>('GET', path)).next_cursor;
  }
  return cursor;
}
