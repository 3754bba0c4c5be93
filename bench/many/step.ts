import { untilCalm } from '../support/calm';
import { median } from '../support/figures';
import { inParallel } from '../support/tenants';
import { residentBytes, treeBytes } from '../support/memory';
import { backlogOfAll, oneToEach } from './storing';
import { AT_A_TIME, type Tenancy } from './tenancy';

/** What was measured with one number of tenants. Times are milliseconds, memory is bytes. */
export interface Step {
  readonly tenants: number;
  readonly createdPerSecond: number;
  readonly startMs: number;
  /** When all consume. */
  readonly startedBytes: number;
  /** After all that is measured here. */
  readonly appBytes: number;
  readonly brokerBytes: number;
  readonly databaseBytes: number;
  readonly oneToEachMs: number;
  /** The same, on a connection that has published to none of the new ones. */
  readonly firstToEachMs: number;
  readonly publishMs: number;
  readonly pageMs: number;
  readonly storedPerSecond: number;
}

/** Spread evenly over the tenants, one each at least. */
const WORKERS = 1_000;
const BACKLOG = 50_000;
const CALLS = 400;

/** At least; each tenant gets one. */
const WARM_UP_CALLS = 1_000;

/** Grows to `tenants`, and measures. */
export async function measureStep(tenancy: Tenancy, tenants: number): Promise<Step> {
  const createdPerSecond = await tenancy.growTo(tenants);
  await tenancy.setWorkers(few(tenancy), Math.max(1, WORKERS / tenants));
  const startMs = await tenancy.restart();
  const startedBytes = residentBytes(tenancy.service.pid);
  const firstToEachMs = await oneToEach(tenancy);
  const oneToEachMs = await ofThree(() => oneToEach(tenancy));
  const storedPerSecond = await ofThree(() => backlogOfAll(tenancy, BACKLOG));
  await warmUp(tenancy);
  await untilCalm();
  const calls = await medianCalls(tenancy);
  const memory = memoryOf(tenancy);
  await tenancy.setWorkers(few(tenancy), 1);
  return {
    ...{ tenants, createdPerSecond, startMs, startedBytes },
    ...{ firstToEachMs, oneToEachMs, storedPerSecond },
    ...calls,
    ...memory,
  };
}

/**
 * The first message that a connection publishes to a quorum queue makes the broker write down, in the
 * queue's log, who publishes: twice the work. A service that has been up for a while is past that.
 */
async function warmUp({ service, tenantIds }: Tenancy): Promise<void> {
  const calls = Math.max(WARM_UP_CALLS, tenantIds.length);
  await inParallel(AT_A_TIME, calls, async (index) => {
    const path = `/api/tenants/${tenantIds[index % tenantIds.length]}/messages`;
    await service.call('POST', path, { payload: 'probe' });
    await service.call('GET', path);
  });
}

/** Those that get more than one worker, while there are few tenants. */
const few = ({ tenantIds }: Tenancy): readonly string[] =>
  tenantIds.length < WORKERS ? tenantIds : [];

async function ofThree(measure: () => Promise<number>): Promise<number> {
  return median([await measure(), await measure(), await measure()]);
}

/** Calls of random tenants, one after the other. */
async function medianCalls({
  service,
  tenantIds,
}: Tenancy): Promise<{ publishMs: number; pageMs: number }> {
  const times = { publish: [] as number[], page: [] as number[] };
  for (let call = 0; call < CALLS; call++) {
    const tenantId = tenantIds[Math.floor(Math.random() * tenantIds.length)] ?? '';
    const path = `/api/tenants/${tenantId}/messages`;
    times.publish.push(await timed(() => service.call('POST', path, { payload: 'probe' })));
    times.page.push(await timed(() => service.call('GET', path)));
  }
  return { publishMs: median(times.publish), pageMs: median(times.page) };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function memoryOf({
  service,
  servers,
}: Tenancy): Pick<Step, 'appBytes' | 'brokerBytes' | 'databaseBytes'> {
  const { pids } = servers;
  return {
    appBytes: residentBytes(service.pid),
    brokerBytes: pids ? treeBytes(pids.broker) : NaN,
    databaseBytes: pids ? treeBytes(pids.database) : NaN,
  };
}
