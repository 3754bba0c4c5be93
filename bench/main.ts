import { backlog } from './backlog';
import { type Row, table } from './support/figures';
import { machineOf, type Servers, withServers } from './support/servers';

const HEAD = ['what', 'the service', 'against', 'its rate', 'ratio'];

/** Every benchmark by its name: `npm run bench`, or `npm run bench -- NAME`. */
const benchmarks: Readonly<Record<string, (servers: Servers) => Promise<Row[]>>> = {
  'backlog-100': (servers) => backlog(servers, 100, 50_000),
  'backlog-3': (servers) => backlog(servers, 3, 10_000),
};

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((name) => !(name in benchmarks));
  if (unknown.length > 0) {
    const known = Object.keys(benchmarks).join(', ');
    process.stderr.write(`No benchmark is named ${unknown.join(', ')}; there are: ${known}\n`);
    process.exit(1);
  }
  await withServers((servers) => run(servers, asked.length > 0 ? asked : Object.keys(benchmarks)));
}

async function run(servers: Servers, names: readonly string[]): Promise<void> {
  const rows: Row[] = [];
  for (const name of names) {
    process.stdout.write(`${name} …\n`);
    rows.push(...((await benchmarks[name]?.(servers)) ?? []));
  }
  process.stdout.write(`\n${await machineOf(servers)}\n\n${table(HEAD, rows)}\n`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
