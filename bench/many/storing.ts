import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { fillQueuesBy } from '../support/backlog';
import type { Servers } from '../support/servers';
import type { Tenancy } from './tenancy';

/** Partitions that one statement may lock, well below what PostgreSQL has room for. */
const CHUNK = 500;
const STUCK_AFTER_MS = 120_000;

/** How many are stored, and when the first and the last of them were, in milliseconds since 1970. */
interface Stored {
  readonly count: number;
  readonly first: number;
  readonly last: number;
}

const SINCE = `
  SELECT count(*)::int AS count,
    coalesce(extract(epoch FROM min(stored_at)) * 1000, 'infinity')::float8 AS first,
    coalesce(extract(epoch FROM max(stored_at)) * 1000, 0)::float8 AS last
  FROM messages WHERE tenant_id = ANY($1::uuid[]) AND stored_at >= $2`;

/** In chunks: there are more partitions than one statement can lock. */
async function storedSince(
  { client }: Servers,
  tenantIds: readonly string[],
  since: Date,
): Promise<Stored> {
  let all: Stored = { count: 0, first: Infinity, last: 0 };
  for (let at = 0; at < tenantIds.length; at += CHUNK) {
    const { rows } = await client.query<Stored>(SINCE, [tenantIds.slice(at, at + CHUNK), since]);
    const [row] = rows;
    if (!row) continue;
    const { count, first, last } = row;
    all = {
      count: all.count + count,
      first: Math.min(all.first, first),
      last: Math.max(all.last, last),
    };
  }
  return all;
}

/** What the service has stored since its start, by its own count. */
async function counted({ service }: Tenancy): Promise<number> {
  const text = await (await service.request('GET', '/metrics')).text();
  const [, stored] = /^messaging_messages_stored_total (\d+)$/m.exec(text) ?? [];
  if (stored === undefined) throw new Error('The service does not say how many it has stored');
  return Number(stored);
}

/** The service is asked: to count thousands of partitions again and again would cost the database more than the storing. */
async function untilStored(tenancy: Tenancy, count: number, since: Date): Promise<Stored> {
  const deadline = Date.now() + STUCK_AFTER_MS;
  while (Date.now() < deadline) {
    if ((await counted(tenancy)) >= count) {
      return storedSince(tenancy.servers, tenancy.tenantIds, since);
    }
    await delay(100);
  }
  throw new Error(`Not stored after ${STUCK_AFTER_MS} ms: ${count - (await counted(tenancy))}`);
}

/** One message to each tenant: milliseconds from the first one's publishing to the last one's storing. */
export async function oneToEach(tenancy: Tenancy): Promise<number> {
  const { publishing, tenantIds } = tenancy;
  const before = await counted(tenancy);
  const start = Date.now();
  await fillQueuesBy(publishing, tenantIds, tenantIds.length);
  const { last } = await untilStored(tenancy, before + tenantIds.length, new Date(start));
  return last - start;
}

/**
 * How fast a backlog is stored, in messages a second. A lock holds up the storing while the queues
 * are filled, since a pause and its end would take each consumer down and up again.
 */
export async function backlogOfAll(tenancy: Tenancy, messages: number): Promise<number> {
  const { servers, publishing, tenantIds } = tenancy;
  const before = await counted(tenancy);
  const lock = new Client({ connectionString: servers.databaseUrl });
  await lock.connect();
  await lock.query('BEGIN');
  await lock.query('LOCK TABLE ONLY messages IN SHARE ROW EXCLUSIVE MODE');
  const since = new Date();
  await fillQueuesBy(publishing, tenantIds, messages);
  await lock.query('COMMIT');
  await lock.end();
  const { first, last } = await untilStored(tenancy, before + messages, since);
  return (messages * 1_000) / (last - first);
}
