import { setTimeout as delay } from 'node:timers/promises';
import { type Probe, Publishing } from '../support/probe';
import { inParallel } from '../support/tenants';
import { AT_A_TIME, type Tenancy } from './tenancy';

export interface Removal {
  readonly tenants: number;
  /** Until rows, queues and partitions are gone, in milliseconds. */
  readonly goneMs: number;
  /** Another tenant's publishes, before and meanwhile. */
  readonly before: Probe;
  readonly meanwhile: Probe;
  readonly failed: number;
}

const BEFORE_MS = 5_000;
const STUCK_AFTER_MS = 300_000;

/** Removes the last `count` tenants, while the first one goes on publishing. */
export async function measureRemoval(tenancy: Tenancy, count: number): Promise<Removal> {
  const { service, tenantIds } = tenancy;
  const removed = tenantIds.splice(-count);
  const other = tenantIds[0] ?? '';
  const calm = new Publishing(service, other);
  await delay(BEFORE_MS);
  const before = await calm.end();
  const publishing = new Publishing(service, other);
  const goneMs = await remove(tenancy, removed);
  const meanwhile = await publishing.end();
  return { tenants: count, goneMs, before, meanwhile, failed: publishing.failed };
}

async function remove({ service, servers }: Tenancy, tenantIds: string[]): Promise<number> {
  const start = performance.now();
  await inParallel(AT_A_TIME, tenantIds.length, async (index) => {
    await service.call('DELETE', `/api/tenants/${tenantIds[index]}`);
  });
  while (performance.now() < start + STUCK_AFTER_MS) {
    // A row goes last: after the queue and the partitions.
    const { rows } = await servers.client.query<{ left: number }>(
      'SELECT count(*)::int AS left FROM tenants WHERE tenant_id = ANY($1::uuid[])',
      [tenantIds],
    );
    if (rows[0]?.left === 0) return performance.now() - start;
    await delay(200);
  }
  throw new Error(`${tenantIds.length} tenants are not gone after ${STUCK_AFTER_MS} ms`);
}
