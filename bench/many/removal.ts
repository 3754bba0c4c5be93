import { setTimeout as delay } from 'node:timers/promises';
import type { MeasuredProcess } from '../support/process';
import { type Probe, Probing, timeFirstPage, timePublish, timeToReadable } from '../support/probe';
import { inParallel } from '../support/tenants';
import { AT_A_TIME, type Tenancy } from './tenancy';

/** Of calls, and how many failed. */
interface Calls {
  readonly publish: Probe;
  /** From a publish until the message can be read: by way of the broker and the database. */
  readonly readable: Probe;
  readonly firstPage: Probe;
  readonly failed: number;
}

export interface Removal {
  readonly tenants: number;
  /** Until rows, queues and partitions are gone, in milliseconds. */
  readonly goneMs: number;
  /** Another tenant's, before and meanwhile. */
  readonly before: Calls;
  readonly meanwhile: Calls;
}

const BEFORE_MS = 5_000;
const STUCK_AFTER_MS = 300_000;

/** Removes the last `count` tenants, while the first one goes on publishing and reading. */
export async function measureRemoval(tenancy: Tenancy, count: number): Promise<Removal> {
  const { service, tenantIds } = tenancy;
  const removed = tenantIds.splice(-count);
  const other = tenantIds[0] ?? '';
  const [before] = await callsDuring(service, other, () => delay(BEFORE_MS));
  const [meanwhile, goneMs] = await callsDuring(service, other, () => remove(tenancy, removed));
  return { tenants: count, goneMs, before, meanwhile };
}

async function callsDuring<Result>(
  service: MeasuredProcess,
  tenantId: string,
  work: () => Promise<Result>,
): Promise<[Calls, Result]> {
  const probing = {
    publish: new Probing(() => timePublish(service, tenantId)),
    readable: new Probing(() => timeToReadable(service, tenantId)),
    firstPage: new Probing(() => timeFirstPage(service, tenantId)),
  };
  const result = await work();
  const publish = await probing.publish.end();
  const readable = await probing.readable.end();
  const firstPage = await probing.firstPage.end();
  const failed = Object.values(probing).reduce((sum, each) => sum + each.failed, 0);
  return [{ publish, readable, firstPage, failed }, result];
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
