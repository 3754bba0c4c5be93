import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  type Comparison,
  comparison,
  megabytes,
  milliseconds,
  perSecond,
  required,
  type Row,
  seconds,
  table,
  today,
} from '../support/figures';
import { machineOf, type Servers, withServers } from '../support/servers';
import { throughputPlot } from './plot';
import { measureRemoval, type Removal } from './removal';
import { type Calls, measureStep, type Step } from './step';
import { Tenancy } from './tenancy';

const REMOVED = 1_000;
const DOCS = resolve(__dirname, '../../../docs');

export interface Many {
  /** Numbers of tenants, growing. */
  readonly steps: readonly number[];
  /** Whether to write the table and the plot into the repository. */
  readonly written: boolean;
}

/** How time, memory and throughput go with the number of tenants; and how a thousand of them go. */
export async function many(servers: Servers, { steps, written }: Many): Promise<Row[]> {
  const tenancy = await Tenancy.begin(servers);
  const measured = await withServers('none', (others) => measureSteps(tenancy, steps, others));
  const removal = await measureRemoval(tenancy, Math.min(REMOVED, tenancy.tenantIds.length - 1));
  process.stdout.write(`  ${JSON.stringify(removal)}\n`);
  await tenancy.end();
  const text = stepsTable(measured);
  process.stdout.write(`\n${text}\n`);
  if (written) write(`${today()}; ${await machineOf(servers)}\n\n${text}`, measured);
  return rowsOf(measured, removal);
}

/** Minutes lie between the first step and the last, in which the machine may change. */
async function measureSteps(
  tenancy: Tenancy,
  steps: readonly number[],
  others: Servers,
): Promise<Step[]> {
  const small = await Tenancy.begin(others);
  await small.growTo(Math.min(...steps));
  const measured: Step[] = [];
  for (const tenants of steps) {
    measured.push(await measureStep(tenancy, tenants, small));
    process.stdout.write(`  ${JSON.stringify(measured.at(-1))}\n`);
  }
  await small.end();
  return measured;
}

function write(text: string, steps: readonly Step[]): void {
  mkdirSync(DOCS, { recursive: true });
  writeFileSync(resolve(DOCS, 'many-tenants.md'), `# Many tenants\n\n${text}\n`);
  const points = steps.map(({ tenants, storedPerSecond }) => ({ tenants, storedPerSecond }));
  writeFileSync(resolve(DOCS, 'throughput.svg'), throughputPlot(points));
}

const stepsTable = (steps: readonly Step[]): string =>
  table(
    ['', ...steps.map(({ tenants }) => `${tenants.toLocaleString('en')} tenants`)],
    LINES.map(([name, show]) => [name, ...steps.map(show)]),
  );

const LINES: readonly [name: string, show: (step: Step) => string][] = [
  ['created through the API, at the end', (step) => perSecond(step.createdPerSecond)],
  ['start to all consuming', (step) => seconds(step.startMs)],
  ['memory of the process when all consume', (step) => megabytes(step.startedBytes)],
  ['the same after all that is below', (step) => megabytes(step.appBytes)],
  ['memory of RabbitMQ', (step) => megabytes(step.brokerBytes)],
  ['memory of PostgreSQL', (step) => megabytes(step.databaseBytes)],
  ['one message to each, stored', (step) => seconds(step.oneToEachMs)],
  ['the same, the first ones of a connection', (step) => seconds(step.firstToEachMs)],
  ['a single publish, median', ({ calls }) => milliseconds(calls.publishMs)],
  ['the same where there are 10, in turns', ({ callsOfFew }) => milliseconds(callsOfFew.publishMs)],
  ['a first page, median', ({ calls }) => milliseconds(calls.pageMs)],
  ['the same where there are 10, in turns', ({ callsOfFew }) => milliseconds(callsOfFew.pageMs)],
  ['a backlog of 50,000, stored', (step) => perSecond(step.storedPerSecond)],
];

function rowsOf(steps: readonly Step[], removal: Removal): Row[] {
  const [first] = steps;
  const last = steps.at(-1);
  if (!first || !last) return [];
  const count = last.tenants.toLocaleString('en');
  const against = `${first.tenants} tenants, in turns`;
  const slower = (what: string, pick: (calls: Calls) => number): Comparison => ({
    what: `${what} with ${count} tenants`,
    ...{ ours: pick(last.calls), against, theirs: pick(last.callsOfFew), unit: milliseconds },
    wanted: { atMost: 1.2 },
  });
  return [
    required(`creating tenants, at ${count}`, last.createdPerSecond, perSecond, { atLeast: 30 }),
    required(`start to all of ${count} consuming`, last.startMs, seconds, { atMost: 30_000 }),
    required(`memory of the process, ${count}`, last.startedBytes, megabytes, { atMost: 400e6 }),
    required(`one message to each of ${count}`, last.oneToEachMs, seconds, { atMost: 10_000 }),
    comparison(slower('a single publish', ({ publishMs }) => publishMs)),
    comparison(slower('a first page', ({ pageMs }) => pageMs)),
    ...removalRows(removal),
  ];
}

/** All share the machine with the removing: that costs another tenant some time, and is not to hold it up. */
function removalRows({ tenants, goneMs, before, meanwhile }: Removal): Row[] {
  const slower = (what: string, ours: number, theirs: number): Row =>
    comparison({
      what: `another tenant's ${what} meanwhile, p95`,
      ...{ ours, against: 'before', theirs, unit: milliseconds },
    });
  const { publish, readable, firstPage, failed } = meanwhile;
  return [
    required(`removing ${tenants.toLocaleString('en')}`, goneMs, seconds, { atMost: 60_000 }),
    required('calls of another tenant that failed meanwhile', failed, String, { atMost: 0 }),
    slower('publish', publish.p95, before.publish.p95),
    slower('publish to readable', readable.p95, before.readable.p95),
    required('the longest of them', readable.max, milliseconds, { atMost: 1_000 }),
    slower('first page', firstPage.p95, before.firstPage.p95),
  ];
}
