import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { MeasuredProcess } from './process';

const POLL_MS = 20;

interface Consumed {
  readonly consumer: { readonly state: string };
}

/** Creates tenants with names of their own; `atATime` calls are under way. */
export async function createTenants(
  service: MeasuredProcess,
  count: number,
  workers: number,
  atATime = 1,
): Promise<string[]> {
  const tenantIds: string[] = [];
  await inParallel(atATime, count, async () => {
    const body = { name: `bench ${randomUUID()}`, workers };
    const { tenant_id } = await service.call<{ tenant_id: string }>('POST', '/api/tenants', body);
    tenantIds.push(tenant_id);
  });
  return tenantIds;
}

export async function forEachTenant(
  service: MeasuredProcess,
  tenantIds: readonly string[],
  action: 'pause' | 'resume',
): Promise<void> {
  await Promise.all(tenantIds.map((id) => service.call('POST', `/api/tenants/${id}/${action}`)));
}

/** Waits until a tenant's consumer runs. */
export async function untilRunning(service: MeasuredProcess, tenantId: string): Promise<void> {
  for (;;) {
    const { consumer } = await service.call<Consumed>('GET', `/api/tenants/${tenantId}`);
    if (consumer.state === 'running') return;
    await delay(POLL_MS);
  }
}

/** Does `work` for every number below `count`, `atATime` of them side by side. */
export async function inParallel(
  atATime: number,
  count: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}
