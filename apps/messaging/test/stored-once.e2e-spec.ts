import { randomUUID } from 'node:crypto';
import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { Program } from './support/program';
import { slowDownStoring, storeAtFullSpeed } from './support/slow-storing';
import { StoringLock } from './support/storing-lock';

jest.setTimeout(60_000);

describe('a message that was accepted', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    program = await Program.start({ databaseUrl: database.url });
  });

  afterAll(async () => {
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  /** Stops the consumer, which stays listed until it has settled all: what is stored now is all. */
  async function everythingIsSettled(tenantId: string): Promise<void> {
    await program.api.pause(tenantId);
    await eventually(async () => {
      expect(await broker.queue(tenantId)).toEqual({ ready: 0, consumers: 0 });
    });
  }

  async function sendKeyed(tenantId: string, key: string, payload: unknown): Promise<string> {
    const path = `/api/tenants/${tenantId}/messages`;
    const headers = { 'idempotency-key': key };
    const message = { payload };
    const answer = await program.api.request<{ id: string }>('POST', path, message, headers);
    expect(answer.status).toBe(202);
    return answer.body.id;
  }

  async function sendKeyedBatch(tenantId: string, keys: readonly string[]): Promise<string[]> {
    const messages = keys.map((key, index) => ({ payload: index, idempotency_key: key }));
    const path = `/api/tenants/${tenantId}/messages/batch`;
    const { status, body } = await program.api.request<{ data: { id: string }[] }>('POST', path, {
      messages,
    });
    expect(status).toBe(202);
    return body.data.map(({ id }) => id);
  }

  async function storedIds(tenantId: string): Promise<string[]> {
    return (await program.api.allMessages(tenantId)).map(({ id }) => id);
  }

  it('is acknowledged only when it is committed, and stored once when the program is killed before', async () => {
    const tenantId = await program.api.createTenant();
    const held = await StoringLock.hold(database, tenantId);
    const id = await program.api.send(tenantId, 'survives');
    await eventually(async () => {
      expect(await broker.queue(tenantId)).toEqual({ ready: 0, consumers: 1 });
    });

    await program.kill();
    await eventually(async () => {
      expect(await broker.queue(tenantId)).toEqual({ ready: 1, consumers: 0 });
    });
    await held.release();
    program = await Program.start({ databaseUrl: database.url });
    await eventually(async () => {
      expect(await storedIds(tenantId)).toEqual([id]);
      expect(await broker.queue(tenantId)).toEqual({ ready: 0, consumers: 1 });
    });
    await everythingIsSettled(tenantId);
    expect(await storedIds(tenantId)).toEqual([id]);
  });

  it('is stored at the first try by a commit that takes longer than any caller would wait', async () => {
    const tenantId = await program.api.createTenant();
    await slowDownStoring(database, 5_000);
    await program.api.send(tenantId, 'slow');
    await eventually(async () => expect(await database.stored(tenantId)).toBe(1));
    await storeAtFullSpeed(database);
    expect(program.output).not.toContain('Not stored yet');
  });

  it('is one row, however often a service publishes its message_id', async () => {
    const tenantId = await program.api.createTenant();
    const messageId = randomUUID();
    await broker.publish(tenantId, '"first"', { messageId });
    await eventually(async () => expect(await database.stored(tenantId)).toBe(1));
    await broker.publish(tenantId, '"again"', { messageId });
    await broker.publish(tenantId, '"and again"', { messageId: messageId.toUpperCase() });
    const other = randomUUID();
    await broker.publish(tenantId, '"the last"', { messageId: other });

    await eventually(async () => expect(await database.stored(tenantId)).toBe(2));
    await everythingIsSettled(tenantId);
    const stored = await program.api.allMessages(tenantId);
    expect(stored.map(({ id, payload }) => [id, payload])).toEqual([
      [messageId, 'first'],
      [other, 'the last'],
    ]);
  });

  it('is one row, however often it is sent with its key: in a batch, and across a restart', async () => {
    const tenantId = await program.api.createTenant();
    const [a, again, b] = await sendKeyedBatch(tenantId, ['a', 'a', 'b']);
    expect(again).toBe(a);
    expect(b).not.toBe(a);
    await eventually(async () => expect(await database.stored(tenantId)).toBe(2));

    await program.kill();
    program = await Program.start({ databaseUrl: database.url });
    expect(await sendKeyed(tenantId, 'a', 'sent again')).toBe(a);
    const c = await sendKeyed(tenantId, 'c', 'the last');

    await eventually(async () => expect(await storedIds(tenantId)).toContain(c));
    await everythingIsSettled(tenantId);
    const stored = await storedIds(tenantId);
    expect(stored.toSorted()).toEqual([a, b, c].toSorted());
  });

  it('is not taken for that of another tenant with the same key or the same message_id', async () => {
    const tenantIds = [await program.api.createTenant(), await program.api.createTenant()] as const;
    const messageId = randomUUID();
    const ids = new Set<string>();
    for (const tenantId of tenantIds) {
      ids.add(await sendKeyed(tenantId, 'the-same-key', `of ${tenantId}`));
      await broker.publish(tenantId, JSON.stringify(`of ${tenantId}`), { messageId });
    }
    expect(ids.size).toBe(2);

    for (const tenantId of tenantIds) {
      await eventually(async () => expect(await database.stored(tenantId)).toBe(2));
      const stored = await program.api.allMessages(tenantId);
      expect(stored.map(({ payload }) => payload)).toEqual([`of ${tenantId}`, `of ${tenantId}`]);
      expect(stored.map(({ id }) => id)).toContain(messageId);
    }
  });

  it('is stored in the order of acceptance by a single worker', async () => {
    const tenantId = await program.api.createTenant(1);
    const singles = Array.from({ length: 500 }, (_, index) => index);
    const batch = Array.from({ length: 500 }, (_, index) => 500 + index);
    for (const payload of singles) await program.api.send(tenantId, payload);
    await program.api.sendBatch(tenantId, batch);

    await eventually(async () => expect(await database.stored(tenantId)).toBe(1_000));
    const stored = await program.api.allMessages(tenantId);
    expect(stored.map(({ payload }) => payload)).toEqual([...singles, ...batch]);
  });
});
