import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { fillQueuesBy } from '../support/backlog';
import { type Stored, storedSince } from '../support/stored';
import type { Tenancy } from './tenancy';

const STUCK_AFTER_MS = 120_000;

/** What the service has stored since its start, by its own count. */
async function counted({ service }: Tenancy): Promise<number> {
  const { text } = await service.request('GET', '/metrics');
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
