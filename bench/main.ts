import type { Statistics } from '@app/local-stack';
import { backlog } from './backlog';
import { batch } from './batch';
import { endToEnd } from './end-to-end';
import { fair } from './fair';
import { lasting } from './lasting/lasting';
import { many } from './many/many';
import { pages } from './pages';
import { replicas } from './replicas/replicas';
import { single } from './single';
import { COMPARISON, type Row, table, today } from './support/figures';
import { MeasuredProcess } from './support/process';
import { machineOf, type Servers, withServers } from './support/servers';
import { wall } from './wall';

type Benchmark = (servers: Servers) => Promise<Row[]>;

/** Every benchmark by its name: `npm run bench` runs them all, `npm run bench -- NAME` runs one. */
const benchmarks: Readonly<Record<string, Benchmark>> = {
  'backlog-100': (servers) =>
    backlog(servers, {
      ...{ workers: 100, messages: 100_000 },
      wanted: { groupCommit: 0.85, insertEach: 5 },
    }),
  'backlog-3': (servers) =>
    backlog(servers, { workers: 3, messages: 30_000, wanted: { insertEach: 1.5 } }),
  single,
  batch,
  pages,
  wall,
  'end-to-end': endToEnd,
  fair,
  many: (servers) => many(servers, { steps: [10, 100, 1_000], written: false }),
  replicas,
};

/** These take a quarter of an hour each, and run only when they are named. */
const longOnes: Readonly<Record<string, Benchmark>> = {
  'many-5000': (servers) => many(servers, { steps: [10, 100, 1_000, 5_000], written: true }),
  lasting,
};

const all = { ...benchmarks, ...longOnes };

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((name) => !(name in all));
  if (unknown.length > 0) {
    const known = Object.keys(all).join(', ');
    process.stderr.write(`No benchmark is named ${unknown.join(', ')}; there are: ${known}\n`);
    process.exit(1);
  }
  await run(asked.length > 0 ? asked : Object.keys(benchmarks));
}

async function run(names: readonly string[]): Promise<void> {
  const rows: Row[] = [];
  let machine = '';
  for (const name of names) {
    process.stdout.write(`${name} …\n`);
    await withServers(statisticsFor(name), async (servers) => {
      machine = await machineOf(servers);
      rows.push(...((await all[name]?.(servers)) ?? []));
    }).catch((error: unknown) => failed(name, error));
    MeasuredProcess.killAll();
  }
  process.stdout.write(`\n${today()}; ${machine}\n\n${table(COMPARISON, rows)}\n`);
}

/** As for thousands of queues in production, see `docs/operating.md`; but one of them reads statistics. */
const statisticsFor = (name: string): Statistics => (name === 'lasting' ? 5_000 : 'none');

/** The others still have something to say. */
function failed(name: string, error: unknown): void {
  console.error(`${name} failed:`, error);
  process.exitCode = 1;
}

process.on('exit', () => MeasuredProcess.killAll());
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
