import { queueOf, TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { account, ALL_ONCE, Load } from './support/load';
import { argumentsOf, messagesIn } from './support/management';
import { Program } from './support/program';
import { StoringLock } from './support/storing-lock';

const OF_AN_EARLIER_RELEASE = { 'x-queue-type': 'quorum', 'x-delivery-limit': 3 };

describe("a queue's arguments", () => {
  let database: TestDatabase;
  let broker: TestBroker;

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
  });

  afterAll(async () => {
    await Load.stopAll();
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  const start = (ROLES: string): Promise<Program> =>
    Program.start({ databaseUrl: database.url, env: { ROLES } });

  /** A tenant whose queue was there before its consumer came. */
  async function tenantWithOldQueue({ api }: Program): Promise<string> {
    const tenantId = await api.createTenant();
    await broker.deleteQueue(tenantId);
    const options = { durable: true, arguments: OF_AN_EARLIER_RELEASE };
    await broker.channel.assertQueue(queueOf(tenantId), options);
    await broker.channel.bindQueue(queueOf(tenantId), 'messaging.messages', tenantId);
    return tenantId;
  }

  /** As docs/operating.md has it. */
  it('are changed without losing a message, while nobody publishes', async () => {
    const api = await start('api');
    const tenantId = await tenantWithOldQueue(api);
    await start('consumer');
    const held = await StoringLock.hold(database, tenantId);
    const load = new Load(api.api, [tenantId], 2);
    await eventually(async () => expect(await messagesIn(tenantId)).toBeGreaterThan(0));
    expect(await argumentsOf(tenantId)).toEqual(OF_AN_EARLIER_RELEASE);

    await api.stop();
    await load.stop();
    await held.release();
    await eventually(async () => expect(await messagesIn(tenantId)).toBe(0));
    await broker.deleteQueue(tenantId);
    await eventually(async () => {
      expect(await broker.queue(tenantId)).toEqual({ ready: 0, consumers: 1 });
    });

    expect(await argumentsOf(tenantId)).toMatchObject({ 'x-single-active-consumer': true });
    const after = await (await start('api')).api.send(tenantId, 'after the break');
    const accepted = [...load.accepted, after];
    await eventually(async () => expect(await account(database, accepted)).toEqual(ALL_ONCE));
  });
});
