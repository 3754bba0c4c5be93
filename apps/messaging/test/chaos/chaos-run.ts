import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { eventually } from '../support/eventually';
import { Clients } from './clients';
import { type Fault, faults } from './faults';
import { Random } from './random';
import { measureRecovery, type Recovery } from './recovery';
import type { World } from './world';

const TENANTS = 5;
const SENDERS = 6;
/** RabbitMQ 3.10 may lose a quorum queue that is younger than half a second when it is killed. */
const OLD_ENOUGH_MS = 2_000;
const DRAIN_WITHIN_MS = 90_000;

export interface Suffered extends Recovery {
  readonly kind: string;
}

export interface ChaosReport {
  readonly seed: number;
  readonly accepted: number;
  readonly refused: number;
  readonly stored: number;
  readonly deadLetters: number;
  /** Accepted, and nowhere to be found; with the fault before each. */
  readonly lost: readonly string[];
  readonly twice: number;
  readonly suffered: readonly Suffered[];
}

/** Lets `count` faults happen, each kind in turn in a random order, while clients send. */
export async function runChaos(world: World, seed: number, count: number): Promise<ChaosReport> {
  const random = new Random(seed);
  const { api } = world.replicas[0].program;
  const tenantIds: string[] = [];
  while (tenantIds.length < TENANTS) tenantIds.push(await api.createTenant(10));
  for (const tenantId of tenantIds) await measureRecovery(world, tenantId);
  await delay(OLD_ENOUGH_MS);
  const clients = new Clients(world, tenantIds, SENDERS);
  const suffered: Suffered[] = [];
  try {
    for (const fault of schedule(random, count)) {
      clients.lastFault = fault.kind;
      suffered.push(await suffer(world, fault, random, random.pick(tenantIds)));
    }
  } finally {
    await clients.stop();
  }
  return { ...(await account(world, clients)), seed, suffered };
}

/** One fault, from its beginning until everything works again. */
async function suffer(
  world: World,
  fault: Fault,
  random: Random,
  tenantId: string,
): Promise<Suffered> {
  const began = performance.now();
  await fault.inflict(world, random);
  const lastedMs = performance.now() - began;
  const recovery = await measureRecovery(world, tenantId).catch((error: unknown) => {
    throw new Error(`After "${fault.kind}": ${String(error)}\n${lastWords(world)}`);
  });
  process.stdout.write(lineOf(fault.kind, lastedMs, recovery.storingMs));
  return { kind: fault.kind, ...recovery };
}

/** What each replica wrote last: one that died says why. */
const lastWords = ({ replicas }: World): string =>
  replicas.map(({ program }) => program.output.slice(-2_000)).join('\n----\n');

const lineOf = (kind: string, lastedMs: number, storingMs: number): string =>
  `${kind}, for ${Math.round(lastedMs)} ms; recovered in ${Math.round(storingMs)} ms\n`;

function schedule(random: Random, count: number): Fault[] {
  const rounds = Array.from({ length: Math.ceil(count / faults.length) }, () =>
    random.shuffle(faults),
  );
  return rounds.flat().slice(0, count);
}

type Account = Omit<ChaosReport, 'seed' | 'suffered'>;

/** Compares what the clients noted with what is there, once nothing is missing or time is up. */
async function account(world: World, clients: Clients): Promise<Account> {
  const client = new Client({ connectionString: world.postgres.url });
  await client.connect();
  try {
    await eventually(
      async () => expect(missing(clients, await idsIn(client, 'messages'))).toHaveLength(0),
      { withinMs: DRAIN_WITHIN_MS },
    ).catch(() => undefined);
    const stored = await idsIn(client, 'messages');
    const dead = await idsIn(client, 'dead_letters');
    const found = new Set([...stored, ...dead]);
    const lost = missing(clients, found).map(
      (id) => `${id}, after: ${clients.accepted.get(id)?.after ?? ''}`,
    );
    return {
      accepted: clients.accepted.size,
      refused: clients.refused,
      stored: stored.length,
      deadLetters: dead.length,
      lost,
      twice: await repeated(client),
    };
  } finally {
    await client.end();
  }
}

async function idsIn(client: Client, table: string): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(`SELECT id FROM ${table}`);
  return rows.map(({ id }) => id);
}

/** Rows whose payload is that of another row; the probes, which are texts, are all alike. */
async function repeated(client: Client): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*)::int - count(DISTINCT payload)::int AS count
     FROM messages WHERE jsonb_typeof(payload) = 'object'`,
  );
  return rows[0]?.count ?? NaN;
}

function missing(clients: Clients, found: Iterable<string>): string[] {
  const ids = new Set(found);
  return [...clients.accepted.keys()].filter((id) => !ids.has(id));
}
