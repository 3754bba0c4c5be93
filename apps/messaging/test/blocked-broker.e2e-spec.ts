import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RabbitmqServer } from '@app/local-stack';
import type { ProblemBody } from './support/api';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { account, ALL_ONCE } from './support/load';
import { expectRefusal, REFUSED_WITHIN_MS, sendInVain } from './support/outage';
import { Program } from './support/program';
import { rabbitmqctl } from './support/rabbitmqctl';
import { StoringLock } from './support/storing-lock';

/** What the broker may use of the machine's memory: nearly nothing is an alarm at once. */
const ALARM = '0.00001';
const NO_ALARM = '0.4';

/** The contract's, from the answer on. */
const APPLIED_WITHIN_MS = 2_000;

interface Connection {
  readonly name: string;
  readonly state: string;
  readonly client_properties: { connection_name?: string };
}

interface Channel {
  readonly connection_details: { name: string };
  readonly consumer_count?: number;
  readonly message_stats?: { publish?: number };
}

describe('a broker that is blocked by an alarm', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'messaging-test-broker-'));
  let server: RabbitmqServer;
  let database: TestDatabase;
  let program: Program;

  beforeAll(async () => {
    database = await TestDatabase.create();
    server = await RabbitmqServer.start({ dataDir, log: () => undefined });
    program = await Program.start({ databaseUrl: database.url, rabbitmqUrl: server.url });
  });

  afterAll(async () => {
    await Program.killAll();
    await server.stop();
    await database.drop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  async function management<Item>(path: string): Promise<Item[]> {
    const authorization = `Basic ${Buffer.from('guest:guest').toString('base64')}`;
    const response = await fetch(`${server.managementUrl}/api/${path}`, {
      headers: { authorization },
    });
    return (await response.json()) as Item[];
  }

  /** Our connections by what they do on their channels. */
  async function connections(): Promise<{ publishing: Connection[]; consuming: Connection[] }> {
    const all = await management<Connection>('connections');
    const channels = await management<Channel>('channels');
    const oursThat = (does: (channel: Channel) => boolean): Connection[] => {
      const names = new Set(
        channels.filter(does).map((channel) => channel.connection_details.name),
      );
      return all.filter(({ name, client_properties: { connection_name } }) => {
        return names.has(name) && connection_name?.startsWith('messaging ');
      });
    };
    return {
      publishing: oursThat((channel) => (channel.message_stats?.publish ?? 0) > 0),
      consuming: oursThat((channel) => (channel.consumer_count ?? 0) > 0),
    };
  }

  /** What is sent before the broker has blocked the connection may still go in. */
  async function raiseAlarm(tenantId: string): Promise<void> {
    await rabbitmqctl(server, 'set_vm_memory_high_watermark', ALARM);
    await eventually(async () => expectRefusal(await sendInVain(program.api, tenantId)));
  }

  const endAlarm = (): Promise<void> =>
    rabbitmqctl(server, 'set_vm_memory_high_watermark', NO_ALARM);

  async function ready(): Promise<ProblemBody> {
    return (await program.api.get<ProblemBody>('/health/ready')).body;
  }

  it('is published to and consumed from on connections of their own', async () => {
    const tenantId = await program.api.createTenant();
    await program.api.send(tenantId, 1);
    const { publishing, consuming } = await eventually(async () => {
      const found = await connections();
      expect([found.publishing.length, found.consuming.length]).toEqual([1, 1]);
      return found;
    });
    expect(publishing[0]?.client_properties.connection_name).toBe('messaging publishing');
    expect(consuming[0]?.client_properties.connection_name).toBe('messaging consuming');
  });

  it('is a 503 within 2 s, while what waits in the queues is stored', async () => {
    const tenantId = await program.api.createTenant(1);
    const lock = await StoringLock.hold(database, tenantId, 'SHARE');
    const waiting = await program.api.sendBatch(tenantId, [...Array(50).keys()]);
    await raiseAlarm(tenantId);
    const told = eventually(ready, { withinMs: REFUSED_WITHIN_MS });
    expect(await told).toMatchObject({ checks: { broker: { status: 'down' } } });

    // With one worker, 49 of them are still in the queue.
    expect(await database.stored(tenantId)).toBe(0);
    await lock.release();
    await eventually(async () => expect(await account(database, waiting)).toEqual(ALL_ONCE));
    expectRefusal(await sendInVain(program.api, tenantId));
    await endAlarm();
  });

  it('does not keep a change of workers from being applied in time, of which nobody hears', async () => {
    const tenantId = await program.api.createTenant(1);
    await raiseAlarm(tenantId);
    // Only a connection that has published is blocked: from the second on nothing is announced.
    for (const workers of [2, 3, 4]) {
      expect((await program.api.setWorkers(tenantId, workers)).status).toBe(200);
      await eventually(
        async () => {
          const { consumer } = await program.api.tenant(tenantId);
          expect(consumer.workers_applied).toBe(workers);
        },
        { withinMs: APPLIED_WITHIN_MS },
      );
    }
    expect(program.output).toMatch(/Not announced: tenant.changed/);
    await endAlarm();
  });

  it('takes messages again within 5 s of the end of its alarm', async () => {
    const tenantId = await program.api.createTenant();
    await raiseAlarm(tenantId);
    await endAlarm();
    const id = await eventually(() => program.api.send(tenantId, 'after'), { withinMs: 5_000 });
    await eventually(async () => expect(await account(database, [id])).toEqual(ALL_ONCE));
    expect(await program.api.status('/health/ready')).toBe(200);
  });
});
