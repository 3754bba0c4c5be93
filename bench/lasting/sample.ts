import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import type { Client } from 'pg';
import { residentBytes } from '../support/memory';
import type { MeasuredProcess } from '../support/process';
import type { PurgedQueues } from '../support/purged-queues';
import type { Servers } from '../support/servers';

/** What could leak, at one moment. NaN where servers that are not ours keep it to themselves. */
export interface Sample {
  /** Seconds since the load began. */
  readonly at: number;
  readonly memoryBytes: number;
  readonly queued: number;
  readonly channels: number;
  readonly brokerConnections: number;
  readonly databaseConnections: number;
}

export async function sampleOf(
  servers: Servers,
  service: MeasuredProcess,
  queues: PurgedQueues,
  at: number,
): Promise<Sample> {
  const broker = await brokerTotals(servers);
  return {
    at,
    memoryBytes: residentBytes(service.pid),
    queued: await queues.depth(),
    channels: broker.channels,
    brokerConnections: broker.connections,
    databaseConnections: (await backends(servers.client)).length,
  };
}

interface Totals {
  readonly channels: number;
  readonly connections: number;
}

/** https://www.rabbitmq.com/docs/management: `/api/overview` */
async function brokerTotals({ managementUrl }: Servers): Promise<Totals> {
  if (managementUrl === undefined) return { channels: NaN, connections: NaN };
  const authorization = `Basic ${Buffer.from('guest:guest').toString('base64')}`;
  const response = await fetch(`${managementUrl}/api/overview`, { headers: { authorization } });
  return ((await response.json()) as { object_totals: Totals }).object_totals;
}

async function backends(client: Client): Promise<number[]> {
  const { rows } = await client.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE application_name = 'messaging' ORDER BY pid`,
  );
  return rows.map(({ pid }) => pid);
}

/**
 * Prepared statements of the service's connections, the most that any of them has. Nobody but the
 * connection itself can list them; but each backend writes its memory to the log when asked to, in
 * which every prepared statement has a context of its own.
 *
 * https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL
 */
export async function preparedStatements({ client, dataDir }: Servers): Promise<number> {
  if (dataDir === undefined) return NaN;
  const file = join(dataDir, 'postgres', 'server.log');
  const before = readFileSync(file).byteLength;
  const pids = await backends(client);
  await client.query('SELECT pg_log_backend_memory_contexts(pid) FROM unnest($1::int[]) AS pid', [
    pids,
  ]);
  // A backend that has nothing to do looks at once.
  await delay(1_000);
  const log = readFileSync(file).subarray(before).toString();
  const counts = log.split('logging memory contexts of PID').slice(1).map(statementsIn);
  return Math.max(...counts);
}

const statementsIn = (log: string): number => log.match(/CachedPlanQuery/g)?.length ?? 0;
