import { setTimeout as delay } from 'node:timers/promises';
import { fillQueues } from './support/backlog';
import { type Comparison, comparison, milliseconds, perSecond, type Row } from './support/figures';
import { MeasuredProcess } from './support/process';
import { type Probe, readableAfter } from './support/probe';
import { PurgedQueues } from './support/purged-queues';
import type { Servers } from './support/servers';
import { createTenants, forEachTenant, untilRunning } from './support/tenants';

/** Short ones and many: now and then the broker tidies up its files, and one of them is lost. */
const ROUNDS = 9;
const WORKERS = 3;
const FLOODING = 4;
const FLOODING_WORKERS = 200;

/** What the tenant waits before it sends its next message: some 17 and 33 of them a second. */
const PAUSES_MS = [50, 20];

/** More than can be stored in the time of two phases, and of what is between them. */
const FLOOD = 550_000;
const PHASE_MS = 3_000;

const WARM_UP_CALLERS = 16;
const WARM_UP_MS = 3_000;

/** Until the flood is at its speed. */
const RAMP_MS = 1_000;

interface Sender {
  readonly tenantId: string;
  readonly pauseMs: number;
}

interface Round {
  readonly pauseMs: number;
  readonly alone: Probe;
  readonly beside: Probe;
  readonly floodAlone: number;
  readonly floodBeside: number;
}

/** When work began and ended, in milliseconds since the epoch. */
interface Span<Result> {
  readonly start: number;
  readonly end: number;
  readonly result: Result;
}

/** A tenant with a few workers, alone and beside four that flood the service. */
export async function fair(servers: Servers): Promise<Row[]> {
  const service = await MeasuredProcess.service(servers);
  const [tenantId = ''] = await createTenants(service, 1, WORKERS);
  const flooding = await createTenants(service, FLOODING, FLOODING_WORKERS);
  await forEachTenant(service, flooding, 'pause');
  await warmUp(service, tenantId);
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const pauseMs of PAUSES_MS) {
      rounds.push(await measure(servers, service, { tenantId, pauseMs }, flooding));
    }
  }
  await service.stop();
  return PAUSES_MS.flatMap((pauseMs) => rowsOf(rounds, pauseMs));
}

/** The tenant's calls are few, and the service's code for them would be compiled while it is measured. */
async function warmUp(service: MeasuredProcess, tenantId: string): Promise<void> {
  const callers = Array.from({ length: WARM_UP_CALLERS }, () =>
    readableAfter(service, tenantId, WARM_UP_MS),
  );
  await Promise.all(callers);
}

async function measure(
  servers: Servers,
  service: MeasuredProcess,
  { tenantId, pauseMs }: Sender,
  flooding: readonly string[],
): Promise<Round> {
  const probe = (): Promise<Probe> => readableAfter(service, tenantId, PHASE_MS, pauseMs);
  const queues = await PurgedQueues.of(servers.rabbitmqUrl, flooding);
  const alone = await probe();
  // Nothing is to be left to a tenant that is not there.
  await forEachTenant(service, [tenantId], 'pause');
  await fillQueues(servers.rabbitmqUrl, flooding, FLOOD);
  await forEachTenant(service, flooding, 'resume');
  await delay(RAMP_MS);
  const floodAloneIn = await spanOf(() => delay(PHASE_MS));
  await forEachTenant(service, [tenantId], 'resume');
  await untilRunning(service, tenantId);
  const besideIn = await spanOf(probe);
  if ((await queues.depth()) === 0) throw new Error('The flood ended before its time');
  await forEachTenant(service, flooding, 'pause');
  await queues.purge();
  await queues.close();
  const floodAlone = await storedPerSecond(servers, flooding, floodAloneIn);
  const floodBeside = await storedPerSecond(servers, flooding, besideIn);
  await servers.client.query('TRUNCATE messages');
  const round = { pauseMs, alone, beside: besideIn.result, floodAlone, floodBeside };
  process.stdout.write(`  ${JSON.stringify(round)}\n`);
  return round;
}

async function spanOf<Result>(work: () => Promise<Result>): Promise<Span<Result>> {
  const start = Date.now();
  const result = await work();
  return { start, end: Date.now(), result };
}

async function storedPerSecond(
  { client }: Servers,
  tenantIds: readonly string[],
  { start, end }: Span<unknown>,
): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM messages
     WHERE tenant_id = ANY($1::uuid[]) AND stored_at >= $2 AND stored_at < $3`,
    [tenantIds, new Date(start), new Date(end)],
  );
  return ((rows[0]?.count ?? 0) * 1_000) / (end - start);
}

/**
 * Of each row the round whose ratio is the middle one: the machine's speed changes within a run, and what
 * was measured beside the flood belongs to what was measured alone a moment before.
 */
function rowsOf(allRounds: readonly Round[], pauseMs: number): Row[] {
  const rounds = allRounds.filter((round) => round.pauseMs === pauseMs);
  const latency = (name: string, key: keyof Probe, atMost: number): Row =>
    comparison({
      what: `publish to readable beside a flood, each ${pauseMs} ms after the last, ${name}`,
      ...middleOf(rounds, ({ alone, beside }) => ({ ours: beside[key], theirs: alone[key] })),
      ...{ against: 'the same tenant alone', unit: milliseconds, wanted: { atMost } },
    });
  const flood = ({ floodAlone: theirs, floodBeside: ours }: Round): Pair => ({ ours, theirs });
  return [
    latency('p50', 'p50', 2),
    latency('p95', 'p95', 3),
    comparison({
      what: `the flood beside that tenant, ${pauseMs} ms between its messages`,
      ...middleOf(rounds, flood),
      ...{ against: 'the flood alone', unit: perSecond, wanted: { atLeast: 0.8 } },
    }),
  ];
}

type Pair = Pick<Comparison, 'ours' | 'theirs'>;

function middleOf(rounds: readonly Round[], pairOf: (round: Round) => Pair): Pair {
  const byRatio = rounds.map(pairOf).toSorted((a, b) => a.ours / a.theirs - b.ours / b.theirs);
  return byRatio[Math.floor(rounds.length / 2)] as Pair;
}
