import { comparison, median, reported, required, type Row, seconds } from '../support/figures';
import type { Servers } from '../support/servers';
import { Cluster, type Joined, type Left, type Sent } from './cluster';

const STOPS = 3;

const JOINED_WITHIN_MS = 15_000;
const STOPPED_WITHIN_MS = 1_000;
const KILLED_WITHIN_MS = 10_000;

const tenants = (): number => Number(process.env['BENCH_TENANTS'] ?? 1_000);

/** Replicas that come, die and stop: how long it takes until the others consume all tenants. */
export async function replicas(servers: Servers): Promise<Row[]> {
  const cluster = await Cluster.begin(servers, tenants());
  const second = tell(await cluster.join());
  const third = tell(await cluster.join());
  const killed = tell(await cluster.meanwhileSending(() => cluster.killOne()));
  const stopped = await stops(cluster);
  const busy = tell(await cluster.meanwhileSending(() => cluster.stopOne()));
  await cluster.end();
  return [
    ...joinedRows('a second replica', second),
    ...joinedRows('a third one', third),
    leftRow('one of three is killed', killed, { atMost: KILLED_WITHIN_MS }),
    sentRow(killed),
    leftRow('one of two is stopped', stopped, { atMost: STOPPED_WITHIN_MS }),
    leftRow('the same, with a message to each', busy),
    sentRow(busy),
  ];
}

/** After each of them another one comes. */
async function stops(cluster: Cluster): Promise<Left> {
  const lefts: Left[] = [];
  for (let stop = 0; stop < STOPS; stop++) {
    lefts.push(tell(await cluster.stopOne()));
    tell(await cluster.join());
  }
  const of = (pick: (left: Left) => number): number => median(lefts.map(pick));
  return { tenants: of((left) => left.tenants), replacedMs: of((left) => left.replacedMs) };
}

function joinedRows(who: string, { balancedMs, moved, share }: Joined): Row[] {
  const all = `${count(tenants())} tenants balanced`;
  return [
    required(`${who}: ${all}`, balancedMs, seconds, { atMost: JOINED_WITHIN_MS }),
    comparison({
      what: 'tenants that moved',
      ...{ ours: moved, against: "the newcomer's share", theirs: share, unit: count },
      wanted: { atMost: 1 },
    }),
  ];
}

function leftRow(what: string, { tenants, replacedMs }: Left, wanted?: { atMost: number }): Row {
  const all = `${what}: its ${count(tenants)} run elsewhere`;
  return wanted ? required(all, replacedMs, seconds, wanted) : reported(all, seconds(replacedMs));
}

/** The key of a message, its tenant and its id, sees to it that none is stored twice. */
const sentRow = ({ stored }: Sent): Row =>
  comparison({
    what: 'one message to each meanwhile, stored',
    ...{ ours: stored, against: 'sent', theirs: tenants(), unit: count },
    wanted: { atLeast: 1 },
  });

const count = (value: number): string => value.toLocaleString('en');

function tell<Measured>(measured: Measured): Measured {
  process.stdout.write(`  ${JSON.stringify(measured)}\n`);
  return measured;
}
