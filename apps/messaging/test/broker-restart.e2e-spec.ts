import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { LocalStack } from '@app/local-stack';
import type { ProblemBody } from './support/api';
import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually, throughout } from './support/eventually';
import { Program } from './support/program';
import { TcpProxy } from './support/tcp-proxy';

jest.setTimeout(90_000);

describe('when the broker goes away', () => {
  let stack: LocalStack;
  let proxy: TcpProxy;
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;
  let active: string[];
  let paused: string;
  let removed: string;

  beforeAll(async () => {
    database = await TestDatabase.create();
    // One of its own: the others' must stay.
    stack = await LocalStack.start({ only: ['rabbitmq'] });
    proxy = await TcpProxy.start(stack.rabbitmqUrl);
    broker = await TestBroker.connect(stack.rabbitmqUrl);
    program = await Program.start({ databaseUrl: database.url, rabbitmqUrl: proxy.url });
    await createTenants();
  });

  afterAll(async () => {
    await Program.killAll();
    await broker.close();
    await proxy.stop();
    await stack.stop();
    await database.drop();
  });

  async function createTenants(): Promise<void> {
    const { api } = program;
    active = [await api.createTenant(), await api.createTenant(), await api.createTenant()];
    paused = await api.createTenant();
    removed = await api.createTenant();
    await eventually(expectConsumers);
    await api.pause(paused);
    await api.remove(removed);
    await eventually(expectTheStoppedStayStopped);
  }

  async function expectConsumers(): Promise<void> {
    for (const tenantId of active) expect((await broker.queue(tenantId))?.consumers).toBe(1);
  }

  async function expectTheStoppedStayStopped(): Promise<void> {
    expect((await broker.queue(paused))?.consumers).toBe(0);
    expect(await broker.queue(removed)).toBeUndefined();
  }

  /** Sends a message; the caller is answered within 2 s, whatever is down. */
  async function send(tenantId: string, payload: unknown): Promise<Response> {
    return fetch(`${program.api.url}/api/tenants/${tenantId}/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ payload }),
      signal: AbortSignal.timeout(2_000),
    });
  }

  async function expectReadiness(status: number, brokerStatus: string): Promise<void> {
    const { status: answered, body } = await program.api.get<ProblemBody>('/health/ready');
    expect(answered).toBe(status);
    if (status === 503) expect(body.checks?.broker?.status).toBe(brokerStatus);
  }

  async function stopBroker(): Promise<void> {
    stack.rabbitmq?.kill('SIGTERM');
    await stack.rabbitmq?.exited;
  }

  async function startBroker(): Promise<void> {
    await stack.rabbitmq?.restart();
    broker = await TestBroker.connect(stack.rabbitmqUrl);
  }

  const payloadsOf = async (tenantId: string): Promise<unknown[]> =>
    (await program.api.allMessages(tenantId)).map(({ payload }) => payload);

  it('the program says so, lives on, and picks everything up when it is back', async () => {
    await program.api.send(paused, 'before');
    await stopBroker();
    await eventually(() => expectReadiness(503, 'down'), { withinMs: 2_000 });
    for (const tenantId of [...active, paused]) {
      const { status, headers } = await send(tenantId, 'not accepted');
      expect(status).toBe(503);
      expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    }
    expect(await program.api.status('/health/live')).toBe(200);

    await startBroker();
    const back = performance.now();
    const left = (ms: number) => ({ withinMs: ms - (performance.now() - back) });
    for (const tenantId of [...active, paused]) {
      await eventually(() => program.api.send(tenantId, 'after'), left(5_000));
    }
    await eventually(expectConsumers, left(10_000));
    await eventually(() => expectReadiness(200, 'up'), left(10_000));
    for (const tenantId of active) {
      await eventually(async () => expect(await payloadsOf(tenantId)).toEqual(['after']));
    }
  });

  it('a consumer that was stopped, by pausing or removing, stays stopped', async () => {
    await expectConsumers();
    await expectTheStoppedStayStopped();
    expect((await broker.queue(paused))?.ready).toBe(2);
    expect(await payloadsOf(paused)).toEqual([]);

    await program.api.resume(paused);
    await eventually(async () => expect(await payloadsOf(paused)).toHaveLength(2));
    expect((await payloadsOf(paused)).toSorted()).toEqual(['after', 'before']);
    await program.api.pause(paused);
    await eventually(expectTheStoppedStayStopped);
  });

  it('again and again for a moment, every 202 is stored once and no consumer is there twice', async () => {
    const [tenantId = ''] = active;
    const cuts = { done: false };
    const sent: string[] = [];
    const sending = sendUntil(tenantId, sent, () => cuts.done);
    for (let cut = 0; cut < 4; cut++) {
      const before = sent.length;
      await eventually(() => expect(sent.length).toBeGreaterThan(before + 5));
      await cutAndRestore(tenantId);
    }
    cuts.done = true;
    await sending;

    await eventually(async () => {
      expect(await payloadsOf(tenantId)).toEqual(expect.arrayContaining(sent));
    });
    const stored = await payloadsOf(tenantId);
    expect(stored).toHaveLength(new Set(stored).size);
    await eventually(expectConsumers);
    // Whatever comes back by itself would have done so by then.
    await throughout(delay(1_500), async () => {
      await expectConsumers();
      await expectTheStoppedStayStopped();
    });
  });

  async function cutAndRestore(tenantId: string): Promise<void> {
    proxy.cut();
    await eventually(async () => expect((await send(tenantId, randomUUID())).status).toBe(503));
    proxy.restore();
    await eventually(async () => expect((await broker.queue(tenantId))?.consumers).toBe(1));
    await eventually(() => expectReadiness(200, 'up'));
  }

  /** Adds to `accepted` the payloads of what was answered with 202. */
  async function sendUntil(tenantId: string, accepted: string[], done: () => boolean) {
    for (let number = 0; !done(); number++) {
      const payload = `number ${number}`;
      if ((await send(tenantId, payload)).status === 202) accepted.push(payload);
      await delay(5);
    }
  }

  it('nothing goes unhandled', () => {
    const lines = program.output.split('\n');
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.filter((line) => /unhandled|uncaught|"level":60/i.test(line))).toEqual([]);
  });
});
