import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { inTurns } from './support/contest';
import { comparison, perSecond, type Row } from './support/figures';
import { untilStored } from './support/backlog';
import { httpLoad } from './support/http';
import { jobVariables } from './support/job';
import { payload } from './support/payload';
import { MeasuredProcess } from './support/process';
import type { Servers } from './support/servers';
import { createTenants } from './support/tenants';

const TENANTS = 10;
const WORKERS = 100;
const MESSAGES = 100;
const SECONDS = 8;
const CALLERS = 10;
const JOBS = 50_000;

/** Everything in one process, from the request to the row; and a queue in PostgreSQL for the same. */
export async function endToEnd(servers: Servers): Promise<Row[]> {
  const service = await MeasuredProcess.service(servers);
  const tenantIds = await createTenants(service, TENANTS, WORKERS);
  const [ours = NaN, theirs = NaN] = await inTurns([
    { name: 'the service', measure: () => throughTheService(servers, service, tenantIds) },
    { name: 'pg-boss', measure: () => throughPgBoss(servers.databaseUrl) },
  ]);
  await service.stop();
  return [
    comparison({
      what: 'end to end: batch POST to stored, one process',
      ...{ ours, against: 'pg-boss: insert, fetch, complete, keep', theirs, unit: perSecond },
    }),
  ];
}

/** From the first request to the last row. */
async function throughTheService(
  { client }: Servers,
  service: MeasuredProcess,
  tenantIds: readonly string[],
): Promise<number> {
  const messages = Array.from({ length: MESSAGES }, () => ({ payload: payload() }));
  const paths = tenantIds.map((id) => `/api/tenants/${id}/messages/batch`);
  const load = { method: 'POST', connections: CALLERS, seconds: SECONDS } as const;
  const body = JSON.stringify({ messages });
  const { answered } = await httpLoad({ url: service.url, ...load, paths, body });
  const rate = await storedPerSecond(client, answered * MESSAGES);
  await client.query('TRUNCATE messages');
  return rate;
}

/** Requests that were under way when the load ended may have been accepted too. */
async function storedPerSecond(client: Client, atLeast: number): Promise<number> {
  await untilStored(client, atLeast, Date.now());
  await delay(500);
  const { rows } = await client.query<{ rate: number }>(`
    SELECT count(*) / extract(epoch FROM max(stored_at) - min(accepted_at))::float8 AS rate
    FROM messages`);
  return rows[0]?.rate ?? NaN;
}

async function throughPgBoss(databaseUrl: string): Promise<number> {
  const env = jobVariables({ databaseUrl, queues: TENANTS, jobs: JOBS });
  const child = MeasuredProcess.run('bench/baselines/pg-boss.js', env);
  const { rate } = await child.result<{ rate: number }>();
  await child.stop();
  return rate;
}
