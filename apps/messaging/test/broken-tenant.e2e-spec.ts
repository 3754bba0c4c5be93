import { queueOf, TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually, throughout } from './support/eventually';
import { consumersOf } from './support/management';
import { Program } from './support/program';

jest.setTimeout(60_000);

const within10s = { withinMs: 10_000 };

describe('a tenant whose queue is broken', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;
  let neighbour: string;
  let neighbourTags: string[];

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    program = await Program.start({ databaseUrl: database.url });
    neighbour = await program.api.createTenant();
    neighbourTags = await eventually(async () => {
      const tags = await tagsOf(neighbour);
      expect(tags).toHaveLength(1);
      return tags;
    });
  });

  afterAll(async () => {
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  /** A consumer that is started again has another tag. The list is a second old, or more. */
  const tagsOf = async (tenantId: string): Promise<string[]> =>
    (await consumersOf(tenantId)).map(({ consumer_tag }) => consumer_tag);

  const consumersOn = async (tenantId: string): Promise<number | undefined> =>
    (await broker.queue(tenantId))?.consumers;

  /** Its consumer has come and gone: nobody is at work on the queue. */
  async function pausedTenant(): Promise<string> {
    const tenantId = await program.api.createTenant();
    await eventually(async () => expect(await consumersOn(tenantId)).toBe(1));
    await program.api.pause(tenantId);
    await eventually(async () => expect(await consumersOn(tenantId)).toBe(0));
    return tenantId;
  }

  async function expectStored(tenantId: string, id: string): Promise<void> {
    expect(await program.api.status(`/api/tenants/${tenantId}/messages/${id}`)).toBe(200);
  }

  /** One after the other, while `work` goes on: each is accepted, and stored at once. */
  async function expectNoHarmMeanwhile(work: Promise<void>): Promise<void> {
    let sent = 0;
    await throughout(work, async () => {
      const id = await program.api.send(neighbour, sent++);
      await eventually(() => expectStored(neighbour, id), { withinMs: 2_000 });
    });
    expect(sent).toBeGreaterThan(0);
  }

  async function heals(tenantId: string): Promise<void> {
    await eventually(async () => expect(await consumersOn(tenantId)).toBe(1), within10s);
    const id = await program.api.send(tenantId, 'healed');
    await eventually(() => expectStored(tenantId, id));
  }

  it('heals when it was deleted, and harms no other tenant', async () => {
    const tenantId = await program.api.createTenant();
    await eventually(async () => expect(await consumersOn(tenantId)).toBe(1));
    await broker.deleteQueue(tenantId);
    expect(await broker.queue(tenantId)).toBeUndefined();

    await expectNoHarmMeanwhile(heals(tenantId));
  });

  it('has its messages accepted and stored, sent at once after it was deleted', async () => {
    const tenantId = await program.api.createTenant();
    await eventually(async () => expect(await consumersOn(tenantId)).toBe(1));
    await broker.deleteQueue(tenantId);
    const ids = await program.api.sendBatch(tenantId, ['sent', 'into', 'nothing']);

    for (const id of ids) await eventually(() => expectStored(tenantId, id), within10s);
  });

  it('has its messages accepted while it is paused, too', async () => {
    const tenantId = await pausedTenant();
    await broker.deleteQueue(tenantId);

    const id = await program.api.send(tenantId, 'waits');
    expect(await broker.queue(tenantId)).toEqual({ ready: 1, consumers: 0 });
    await program.api.resume(tenantId);
    await eventually(() => expectStored(tenantId, id));
  });

  it('heals when a queue that cannot be used was put in its place and is taken away', async () => {
    const tenantId = await pausedTenant();
    await putAnother(tenantId);
    await program.api.resume(tenantId);

    await expectNoHarmMeanwhile(triesInVain(tenantId, 4));
    expect(await consumersOn(tenantId)).toBe(0);
    await broker.deleteQueue(tenantId);
    await expectNoHarmMeanwhile(heals(tenantId));
  });

  it('did not have the consumer of any other tenant started anew', async () => {
    const latest = await program.api.createTenant();
    // Once this one is in the list, all that came before it are.
    await eventually(async () => expect(await tagsOf(latest)).toHaveLength(1));
    expect(await tagsOf(neighbour)).toEqual(neighbourTags);
  });

  /** Under the same name, with other arguments: to declare it as it should be is refused. */
  async function putAnother(tenantId: string): Promise<void> {
    const { channel } = broker;
    await broker.deleteQueue(tenantId);
    await channel.assertQueue(queueOf(tenantId), { exclusive: true });
  }

  async function triesInVain(tenantId: string, times: number): Promise<void> {
    const refusal = new RegExp(`${tenantId} (broke|is not).*RESOURCE.LOCKED`, 'g');
    await eventually(() => {
      expect(program.output.match(refusal)?.length).toBeGreaterThanOrEqual(times);
    });
  }
});
