import { untilCalm } from '../support/calm';
import { median } from '../support/figures';
import { residentBytes, treeBytes } from '../support/memory';
import { timeFirstPage, timePublish } from '../support/probe';
import type { MeasuredProcess } from '../support/process';
import { inParallel } from '../support/tenants';
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
  readonly storedPerSecond: number;
  readonly calls: Calls;
  /** The same of a service with few tenants, and servers of its own, in turns with those. */
  readonly callsOfFew: Calls;
}

/** Medians. */
export interface Calls {
  readonly publishMs: number;
  readonly pageMs: number;
}

/** Spread evenly over the tenants, one each at least. */
const WORKERS = 1_000;
const BACKLOG = 50_000;
const CALLS = 400;

/** At least; each tenant gets one. */
const WARM_UP_CALLS = 1_000;

/** Grows to `tenants`, and measures, some of it beside a tenancy that stays as small as it is. */
export async function measureStep(
  tenancy: Tenancy,
  tenants: number,
  small: Tenancy,
): Promise<Step> {
  const createdPerSecond = await tenancy.growTo(tenants);
  await tenancy.setWorkers(few(tenancy), Math.max(1, WORKERS / tenants));
  const startMs = await tenancy.restart();
  const startedBytes = residentBytes(tenancy.service.pid);
  const firstToEachMs = await oneToEach(tenancy);
  const oneToEachMs = await ofThree(() => oneToEach(tenancy));
  const storedPerSecond = await ofThree(() => backlogOfAll(tenancy, BACKLOG));
  await warmUp(tenancy);
  await warmUp(small);
  await untilCalm();
  const [calls, callsOfFew] = await callsInTurns(tenancy, small);
  const memory = memoryOf(tenancy);
  await tenancy.setWorkers(few(tenancy), 1);
  return {
    ...{ tenants, createdPerSecond, startMs, startedBytes },
    ...{ firstToEachMs, oneToEachMs, storedPerSecond },
    ...{ calls, callsOfFew },
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

/** Pages first: nothing is stored meanwhile. */
async function callsInTurns(one: Tenancy, other: Tenancy): Promise<[Calls, Calls]> {
  const pages = await timesInTurns(timeFirstPage, one, other);
  const publishes = await timesInTurns(timePublish, one, other);
  return [
    { pageMs: median(pages[0]), publishMs: median(publishes[0]) },
    { pageMs: median(pages[1]), publishMs: median(publishes[1]) },
  ];
}

type TimeOne = (service: MeasuredProcess, tenantId: string) => Promise<number>;

/** Calls of random tenants, one after the other, of this service and of that. */
async function timesInTurns(
  timeOne: TimeOne,
  one: Tenancy,
  other: Tenancy,
): Promise<[number[], number[]]> {
  const [ofOne, ofOther]: [number[], number[]] = [[], []];
  for (let call = 0; call < CALLS; call++) {
    ofOne.push(await timeOne(one.service, randomOf(one)));
    ofOther.push(await timeOne(other.service, randomOf(other)));
  }
  return [ofOne, ofOther];
}

const randomOf = ({ tenantIds }: Tenancy): string =>
  tenantIds[Math.floor(Math.random() * tenantIds.length)] ?? '';

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
