import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { fillQueues } from '../support/backlog';
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

/** A few tenants are asked until theirs are stored, before all are: to ask all costs the database. */
async function untilStored(
  servers: Servers,
  tenantIds: readonly string[],
  total: number,
  since: Date,
): Promise<Stored> {
  const some = tenantIds.slice(0, 20);
  const ofSome = Math.floor(total / tenantIds.length) * some.length;
  const deadline = Date.now() + STUCK_AFTER_MS;
  while (Date.now() < deadline) {
    const asked = await storedSince(servers, some, since);
    const stored = asked.count >= ofSome ? await storedSince(servers, tenantIds, since) : asked;
    if (stored.count >= total) return stored;
    await delay(300);
  }
  throw new Error(`${total} messages are not stored after ${STUCK_AFTER_MS} ms`);
}

/** One message to each tenant: milliseconds from the first one's publishing to the last one's storing. */
export async function oneToEach({ servers, tenantIds }: Tenancy): Promise<number> {
  const start = Date.now();
  await fillQueues(servers.rabbitmqUrl, tenantIds, tenantIds.length);
  const { last } = await untilStored(servers, tenantIds, tenantIds.length, new Date(start));
  return last - start;
}

/**
 * How fast a backlog is stored, in messages a second. A lock holds up the storing while the queues
 * are filled, since a pause and its end would take each consumer down and up again.
 */
export async function backlogOfAll(
  { servers, tenantIds }: Tenancy,
  messages: number,
): Promise<number> {
  const lock = new Client({ connectionString: servers.databaseUrl });
  await lock.connect();
  await lock.query('BEGIN');
  await lock.query('LOCK TABLE ONLY messages IN SHARE ROW EXCLUSIVE MODE');
  const since = new Date();
  await fillQueues(servers.rabbitmqUrl, tenantIds, messages);
  await lock.query('COMMIT');
  await lock.end();
  const { first, last } = await untilStored(servers, tenantIds, messages, since);
  return (messages * 1_000) / (last - first);
}
