import { RabbitmqCluster, type RabbitmqServer } from '@app/local-stack';
import { Clients } from './clients';
import { queueOf } from '../support/broker';
import { TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { Program } from '../support/program';

const START_WITHIN_MS = 180_000;
/** What the loss of a node may cost. */
const STOPPED_AT_MOST_MS = 15_000;

describe('a cluster of three brokers', () => {
  let cluster: RabbitmqCluster;
  let database: TestDatabase;
  let program: Program;
  let tenantId: string;

  beforeAll(async () => {
    cluster = await RabbitmqCluster.start({ log: () => undefined });
    database = await TestDatabase.create();
    program = await Program.start({ databaseUrl: database.url, rabbitmqUrl: cluster.url });
    tenantId = await program.api.createTenant(20);
    await eventually(async () => expect(await members()).toBe(3));
  }, START_WITHIN_MS);

  afterAll(async () => {
    await Program.killAll();
    await cluster.stop();
    await database.drop();
  });

  interface Queue {
    readonly leader?: string;
    readonly online?: string[];
  }

  async function queue(): Promise<Queue> {
    const alive = cluster.nodes.find((node) => !dead.has(node));
    const response = await fetch(`${alive?.managementUrl}/api/queues/%2F/${queueOf(tenantId)}`, {
      headers: { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}` },
    });
    return (await response.json()) as Queue;
  }

  const dead = new Set<RabbitmqServer>();
  const members = async (): Promise<number> => (await queue()).online?.length ?? 0;

  async function leader(): Promise<RabbitmqServer> {
    const { leader: name } = await queue();
    const index = Number(/messaging(\d)@/.exec(name ?? '')?.[1]) - 1;
    const node = cluster.nodes[index];
    if (!node) throw new Error(`No node is the leader: ${String(name)}`);
    return node;
  }

  /** Kills a node under load, and gives back how long nothing was stored, in milliseconds. */
  async function lose(node: RabbitmqServer, clients: Clients): Promise<number> {
    const { exited } = node;
    node.kill('SIGKILL');
    await exited;
    dead.add(node);
    const begin = performance.now();
    const before = clients.accepted.size;
    await eventually(() => expect(clients.accepted.size).toBeGreaterThan(before + 20), {
      withinMs: 60_000,
    });
    const newest = [...clients.accepted.keys()].at(-1);
    await eventually(
      async () =>
        expect(await program.api.status(`/api/tenants/${tenantId}/messages/${newest}`)).toBe(200),
      { withinMs: 60_000 },
    );
    const stopped = performance.now() - begin;
    await node.restart();
    dead.delete(node);
    await eventually(async () => expect(await members()).toBe(3), { withinMs: 60_000 });
    return stopped;
  }

  it(
    'loses nothing when any of them is killed, the leader too, and flows on within 15 s',
    async () => {
      const clients = new Clients({ replicas: [{ program }, { program }] }, [tenantId], 4);
      await eventually(() => expect(clients.accepted.size).toBeGreaterThan(100));

      const stopped = [await lose(await leader(), clients)];
      for (const node of cluster.nodes) stopped.push(await lose(node, clients));
      await clients.stop();

      process.stdout.write(`stopped for ${stopped.map((ms) => Math.round(ms)).join(', ')} ms\n`);
      expect(Math.max(...stopped)).toBeLessThan(STOPPED_AT_MOST_MS);
      await eventually(
        async () => {
          const rows = await database.rows<{ id: string }>('SELECT id FROM messages');
          const stored = new Set(rows.map(({ id }) => id));
          expect([...clients.accepted.keys()].filter((id) => !stored.has(id))).toEqual([]);
          expect(rows).toHaveLength(stored.size);
        },
        { withinMs: 30_000 },
      );
    },
    START_WITHIN_MS,
  );
});
