import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { MessageBody } from './support/api';
import { TestBroker } from './support/broker';
import { partitionOf, TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { Program } from './support/program';
import { servers } from './support/servers';
import { StoringLock } from './support/storing-lock';
import { storeRows } from './support/stored-rows';
import { TcpProxy } from './support/tcp-proxy';

jest.setTimeout(60_000);

/** Programs of this same shape, read closely; what was found in them is a name each. */
describe('what others got wrong does not happen here:', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let toDatabase: TcpProxy;
  let program: Program;

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    toDatabase = await TcpProxy.start(database.url);
    program = await start();
  });

  afterEach(async () => {
    toDatabase.restore();
    await StoringLock.releaseAll();
  });

  afterAll(async () => {
    await Program.killAll();
    await toDatabase.stop();
    await broker.close();
    await database.drop();
  });

  const start = (): Promise<Program> => Program.start({ databaseUrl: toDatabase.url });

  const expectQueue = (tenantId: string, ready: number, consumers: number): Promise<void> =>
    eventually(async () => expect(await broker.queue(tenantId)).toEqual({ ready, consumers }));

  const expectStored = (tenantId: string, count: number): Promise<void> =>
    eventually(async () => expect(await database.stored(tenantId)).toBe(count));

  it('an ack before the insert, and a stop that loses what was acked', async () => {
    const tenantId = await program.api.createTenant();
    const lock = await StoringLock.hold(database, tenantId);
    await program.api.send(tenantId, 'not stored yet');
    await expectQueue(tenantId, 0, 1);
    await program.kill();
    // It was not acked: it is there again.
    await expectQueue(tenantId, 1, 0);

    program = await start();
    await expectQueue(tenantId, 0, 1);
    const stopped = program.stop();
    await eventually(async () => expect(await program.api.status('/health/live')).toBe(0));
    await lock.release();
    await stopped;
    program = await start();
    await expectStored(tenantId, 1);
  });

  it("a graceful stop that deletes every tenant's queue", async () => {
    const tenantIds = [await program.api.createTenant(), await program.api.createTenant()];
    const [paused = '', active = ''] = tenantIds;
    await program.api.pauseAndWait(paused);
    await program.api.send(paused, 'waits');
    expect(await program.stop()).toEqual({ code: 0, signal: null });

    expect(await broker.queue(paused)).toEqual({ ready: 1, consumers: 0 });
    expect(await broker.queue(active)).toEqual({ ready: 0, consumers: 0 });
    program = await start();
  });

  it('a change of concurrency that only stores a number, or kills the consumer', async () => {
    const tenantId = await program.api.createTenant(1);
    const lock = await StoringLock.hold(database, tenantId);
    await program.api.sendBatch(tenantId, [...Array(10).keys()]);
    await expectQueue(tenantId, 9, 1);
    expect((await program.api.setWorkers(tenantId, 4)).status).toBe(200);
    await lock.release();
    await expectStored(tenantId, 10);
    await eventually(async () => {
      const { consumer } = await program.api.tenant(tenantId);
      expect(consumer).toMatchObject({ state: 'running', workers_applied: 4 });
    });

    const again = await StoringLock.hold(database, tenantId);
    await program.api.sendBatch(tenantId, [...Array(10).keys()]);
    await expectQueue(tenantId, 6, 1);
    await again.release();
    await expectStored(tenantId, 20);
  });

  it('a change of concurrency that answers 200 when it failed', async () => {
    const tenantId = await program.api.createTenant(2);
    toDatabase.cut();
    expect((await program.api.setWorkers(tenantId, 9)).status).toBe(503);
    toDatabase.restore();
    await eventually(async () => expect((await program.api.tenant(tenantId)).workers).toBe(2));
  });

  it('no consumer after a restart', async () => {
    const tenantId = await program.api.createTenant();
    await program.kill();
    await expectQueue(tenantId, 0, 0);
    program = await start();
    await expectQueue(tenantId, 0, 1);
  });

  it('no consumer after a reconnect', async () => {
    const { rabbitmqUrl } = servers();
    const proxy = await TcpProxy.start(rabbitmqUrl);
    const other = await Program.start({ databaseUrl: database.url, rabbitmqUrl: proxy.url });
    await program.kill();
    const tenantId = await other.api.createTenant();
    await expectQueue(tenantId, 0, 1);
    proxy.cut();
    await expectQueue(tenantId, 0, 0);
    proxy.restore();
    await expectQueue(tenantId, 0, 1);
    await eventually(() => other.api.send(tenantId, 'after the reconnect'));
    await expectStored(tenantId, 1);
    await other.kill();
    await proxy.stop();
    program = await start();
  });

  it('a tenant without its partition, whose inserts fail and are requeued for ever', async () => {
    const tenantId = await program.api.createTenant();
    await database.client.query(`DROP TABLE ${partitionOf(tenantId)}`);
    await program.api.send(tenantId, 'has no place');
    await expectStored(tenantId, 1);
    await expectQueue(tenantId, 0, 1);
  });

  it.each(['asc', 'desc'])(
    'a cursor that loses or repeats the rows of one instant, or skips one at each page (%s)',
    async (order) => {
      const tenantId = await program.api.createTenant();
      await storeRows(database, tenantId, 25);
      const seen: unknown[] = [];
      let cursor = '';
      for (let page = 0; page < 9; page++) {
        const query = `?order=${order}&limit=3${cursor}`;
        const { data, next_cursor } = await program.api.messages(tenantId, query);
        seen.push(...data.map(({ payload }) => payload));
        if (next_cursor === null || data.length === 0) break;
        cursor = `&cursor=${next_cursor}`;
      }
      const all = Array.from({ length: 25 }, (_, index) => index + 1);
      expect(seen.toSorted((a, b) => Number(a) - Number(b))).toEqual(all);
    },
  );

  it('a primary key that a table partitioned by tenant cannot have', async () => {
    const rows = await database.rows<{ key: string }>(
      `SELECT pg_get_constraintdef(oid) AS key FROM pg_constraint
       WHERE conrelid IN ('messages'::regclass, 'dead_letters'::regclass) AND contype = 'p'`,
    );
    const key = { key: 'PRIMARY KEY (tenant_id, id)' };
    expect(rows).toEqual([key, key]);
  });

  it('a new UUID at each delivery, so that a redelivery is a second row', async () => {
    const tenantId = await program.api.createTenant();
    const lock = await StoringLock.hold(database, tenantId);
    const id = await program.api.send(tenantId, 'delivered twice');
    await broker.publish(tenantId, '"twice too"', { messageId: 'no UUID of anybody' });
    await expectQueue(tenantId, 0, 1);
    await program.kill();
    await expectQueue(tenantId, 2, 0);
    program = await start();
    await expectQueue(tenantId, 0, 1);
    await lock.release();
    await expectStored(tenantId, 2);
    await broker.publish(tenantId, '"twice too"', { messageId: 'no UUID of anybody' });
    const last = randomUUID();
    await broker.publish(tenantId, '"last"', { messageId: last });
    await eventually(() => expectFound(tenantId, last));
    expect(await database.stored(tenantId)).toBe(3);
    await expectFound(tenantId, id);
  });

  async function expectFound(tenantId: string, id: string): Promise<void> {
    expect(await program.api.status(`/api/tenants/${tenantId}/messages/${id}`)).toBe(200);
  }

  it('a body that names another tenant, and is stored there', async () => {
    const mine = await program.api.createTenant();
    const theirs = await program.api.createTenant();
    const body = { tenant_id: theirs, tenantId: theirs, id: randomUUID(), payload: 'not theirs' };
    await broker.publish(mine, JSON.stringify(body), {
      messageId: randomUUID(),
      headers: { tenant_id: theirs },
    });
    await program.api.send(mine, body);
    await expectStored(mine, 2);
    expect(await database.stored(theirs)).toBe(0);
  });

  it('a hot loop when a channel was closed', async () => {
    const tenantId = await program.api.createTenant();
    await expectQueue(tenantId, 0, 1);
    await program.api.pause(tenantId);
    await expectQueue(tenantId, 0, 0);
    await broker.deleteQueue(tenantId);
    // Nobody else may consume it: whoever tries has their channel closed.
    await broker.channel.assertQueue(`tenant_${tenantId}_queue`, { exclusive: true });
    const before = closedChannels();
    await program.api.resume(tenantId);
    await eventually(() => expect(closedChannels()).toBeGreaterThan(before));
    await delay(3_000);
    // After 0.5, 1 and 2 s, halved at most by the jitter, and once when it is compared.
    expect(closedChannels() - before).toBeLessThan(12);
    await broker.deleteQueue(tenantId);
    await program.api.remove(tenantId);
  });

  const closedChannels = (): number => program.output.match(/ broke: /g)?.length ?? 0;

  it('a retry that sleeps in memory after the ack', async () => {
    const tenantId = await program.api.createTenant();
    await expectQueue(tenantId, 0, 1);
    toDatabase.cut();
    const id = await program.api.send(tenantId, 'is tried again');
    await eventually(() => expect(program.output).toMatch(/trying again/));
    await program.kill();
    await expectQueue(tenantId, 1, 0);
    toDatabase.restore();
    program = await start();
    await eventually(() => expectFound(tenantId, id));
  });

  it('a limit over the maximum that becomes 2, and zero workers', async () => {
    const tenantId = await program.api.createTenant();
    await storeRows(database, tenantId, 5);
    const path = `/api/tenants/${tenantId}/messages`;
    expect(await program.api.status(`${path}?limit=201`)).toBe(400);
    expect((await program.api.messages(tenantId, '?limit=200')).data).toHaveLength(5);
    expect((await program.api.setWorkers(tenantId, 0)).status).toBe(400);
    const zero = { name: randomUUID(), workers: 0 };
    expect((await program.api.request('POST', '/api/tenants', zero)).status).toBe(400);
  });

  it('a health check that is always well', async () => {
    expect(await program.api.status('/health/ready')).toBe(200);
    toDatabase.cut();
    await eventually(async () => expect(await program.api.status('/health/ready')).toBe(503));
    toDatabase.restore();
    await eventually(async () => expect(await program.api.status('/health/ready')).toBe(200));
  });

  it('queue metrics that are never set', async () => {
    const tenantId = await program.api.createTenant();
    const { name } = await program.api.tenant(tenantId);
    await expectQueue(tenantId, 0, 1);
    await program.api.pause(tenantId);
    await expectQueue(tenantId, 0, 0);
    await program.api.sendBatch(tenantId, [1, 2, 3]);
    await eventually(async () => {
      const { body } = await program.api.get<string>('/metrics');
      expect(body).toContain(`messaging_queue_messages{tenant="${name}"} 3`);
    });
  });

  it('a default JWT secret', async () => {
    const env = { DATABASE_URL: database.url, RABBITMQ_URL: servers().rabbitmqUrl };
    const { code } = await Program.refuse({ ...env, AUTH_MODE: 'jwt' });
    expect(code).toBe(1);
  });

  it('a read that does not check the tenant', async () => {
    const mine = await program.api.createTenant();
    const theirs = await program.api.createTenant();
    const id = await program.api.send(mine, 'mine');
    await eventually(() => expectFound(mine, id));
    expect(await program.api.status(`/api/tenants/${theirs}/messages/${id}`)).toBe(404);
    expect(await program.api.messages(theirs)).toEqual({ data: [], next_cursor: null });
    const { body } = await program.api.get<MessageBody>(`/api/tenants/${mine}/messages/${id}`);
    expect(body.tenant_id).toBe(mine);
  });
});
