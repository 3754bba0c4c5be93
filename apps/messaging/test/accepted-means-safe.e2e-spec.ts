import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { account, ALL_ONCE, Load } from './support/load';
import { expectRefusal, REFUSED_WITHIN_MS, sendInVain } from './support/outage';
import { Program } from './support/program';
import { servers } from './support/servers';
import { TcpProxy } from './support/tcp-proxy';
import { timed } from './support/timed';

const NOBODY = '01920000-0000-7000-8000-000000000000';

describe('202', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let toDatabase: TcpProxy;
  let toBroker: TcpProxy;
  let program: Program;

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    toDatabase = await TcpProxy.start(database.url);
    toBroker = await TcpProxy.start(servers().rabbitmqUrl);
    program = await Program.start({ databaseUrl: toDatabase.url, rabbitmqUrl: toBroker.url });
  });

  afterEach(async () => {
    toBroker.restore();
    toDatabase.restore();
    await Load.stopAll();
    await eventually(async () => expect(await program.api.status('/health/ready')).toBe(200));
  });

  afterAll(async () => {
    await Program.killAll();
    await Promise.all([toDatabase.stop(), toBroker.stop()]);
    await broker.close();
    await database.drop();
  });

  /** Nobody consumes its queue. */
  async function pausedTenant(): Promise<string> {
    const tenantId = await program.api.createTenant();
    const consumers = (count: number): Promise<void> =>
      eventually(async () =>
        expect(await broker.queue(tenantId)).toEqual({ ready: 0, consumers: count }),
      );
    await consumers(1);
    await program.api.pause(tenantId);
    await consumers(0);
    return tenantId;
  }

  /** It works, and by itself: nobody restarted anything. */
  async function expectItGoesOn(tenantId: string): Promise<void> {
    const id = await eventually(() => program.api.send(tenantId, 'after the outage'));
    await eventually(async () => expect(await account(database, [id])).toEqual(ALL_ONCE));
  }

  const inVainTogether = (
    tenantId: string,
    count: number,
    payload?: string,
  ): ReturnType<typeof Promise.all<ReturnType<typeof sendInVain>[]>> =>
    Promise.all(Array.from({ length: count }, () => sendInVain(program.api, tenantId, payload)));

  it('means that a persistent message is in the queue, with its id and its type', async () => {
    const tenantId = await pausedTenant();
    const id = await program.api.send(tenantId, { text: 'kept' }, 'note');

    const message = await broker.first(tenantId);
    expect(message.properties).toMatchObject({ deliveryMode: 2, messageId: id, type: 'note' });
    expect(JSON.parse(message.content.toString())).toEqual({ text: 'kept' });

    await program.api.resume(tenantId);
    await eventually(async () => expect(await account(database, [id])).toEqual(ALL_ONCE));
  });

  it('is 404 for a message that no queue takes, and for every batch with one', async () => {
    const messages = [{ payload: 1 }, { payload: 2 }];
    const path = `/api/tenants/${NOBODY}/messages`;
    const single = await program.api.request('POST', path, { payload: 1 });
    const batch = await program.api.request('POST', `${path}/batch`, { messages });
    expect([single.status, batch.status]).toEqual([404, 404]);
  });

  it('is 503 within 2 s when the broker does not confirm', async () => {
    const tenantId = await program.api.createTenant();
    await program.api.send(tenantId, 'before');
    toBroker.freeze();

    const path = `/api/tenants/${tenantId}/messages/batch`;
    const batch = program.api.request<never>('POST', path, { messages: [{ payload: 1 }] });
    expectRefusal(await sendInVain(program.api, tenantId));
    expectRefusal(await timed(batch));
    expectRefusal(await sendInVain(program.api, tenantId));

    toBroker.restore();
    await expectItGoesOn(tenantId);
  });

  it('is 503 within 2 s when the broker is away, and at once while it stays away', async () => {
    const tenantId = await program.api.createTenant();
    await program.api.send(tenantId, 'before');
    toBroker.cut();

    expectRefusal(await sendInVain(program.api, tenantId));
    const began = performance.now();
    for (let sent = 0; sent < 20; sent++) expectRefusal(await sendInVain(program.api, tenantId));
    // All of them in the time that one may take: none has waited for an answer.
    expect(performance.now() - began).toBeLessThan(REFUSED_WITHIN_MS);

    toBroker.restore();
    await expectItGoesOn(tenantId);
  });

  describe.each(['cut', 'freeze'] as const)('when the broker fails (%s)', (fault) => {
    it('is 503 within 2 s for 500 at once', async () => {
      const tenantId = await program.api.createTenant();
      // Their connections are open: what is timed is not how fast this machine opens 500.
      await Promise.all(Array.from({ length: 500 }, () => program.api.status('/health/live')));
      toBroker[fault]();
      for (const refusal of await inVainTogether(tenantId, 500)) expectRefusal(refusal);
      toBroker.restore();
      await expectItGoesOn(tenantId);
    });
  });

  it('keeps little of what it refused, however much that was', async () => {
    const tenantId = await program.api.createTenant();
    toBroker.freeze();
    const messages = Array<object>(1_000).fill({ payload: 'x'.repeat(8_000) });
    const path = `/api/tenants/${tenantId}/messages/batch`;
    const batches = Array.from({ length: 10 }, () =>
      program.api.request('POST', path, { messages }),
    );
    for (const { status } of await Promise.all(batches)) expect(status).toBe(503);

    toBroker.restore();
    await expectItGoesOn(tenantId);
    // What had been kept has gone out before that last message. The buffers of the library and of
    // the sockets hold some 2,000 of the 10,000.
    expect(await database.stored(tenantId)).toBeLessThan(5_000);
  });

  it('costs no query: it is given while the database hangs, to living tenants only', async () => {
    const tenantId = await program.api.createTenant();
    toDatabase.freeze();
    const read = timed(program.api.get(`/api/tenants/${tenantId}/messages`));
    const toNobody = sendInVain(program.api, NOBODY);

    const ids: string[] = [];
    for (let sent = 0; sent < 30; sent++) ids.push(await program.api.send(tenantId, sent));
    expect((await read).status).toBe(503);
    expect([404, 503]).toContain((await toNobody).status);
    ids.push(await program.api.send(tenantId, 'last'));

    toDatabase.restore();
    await eventually(async () => expect(await account(database, ids)).toEqual(ALL_ONCE));
  });

  it('means stored exactly once, however often the broker is cut off meanwhile', async () => {
    const tenantIds = await Promise.all([program.api.createTenant(), program.api.createTenant()]);
    const load = new Load(program.api, tenantIds);
    for (let cut = 0; cut < 4; cut++) {
      const enough = load.accepted.length + randomInt(50, 150);
      await eventually(() => expect(load.accepted.length).toBeGreaterThan(enough));
      toBroker.cut();
      await delay(randomInt(300));
      toBroker.restore();
    }
    await load.stop();
    expect(load.refused).toBeGreaterThan(0);
    await eventually(async () => expect(await account(database, load.accepted)).toEqual(ALL_ONCE));
  });
});
