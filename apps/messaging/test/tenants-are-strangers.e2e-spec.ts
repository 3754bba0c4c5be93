import { randomUUID } from 'node:crypto';
import type { Answer, Api, MessageBody, Page } from './support/api';
import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { expectProblem, fieldsOf } from './support/problem';
import { Program } from './support/program';
import { adminToken, tenantToken, WITH_TOKENS } from './support/tokens';

interface Letter {
  id: string;
  tenant_id: string;
  body: string;
}

/** One of two tenants who use the same ids and keys for different things. */
interface Side {
  readonly name: string;
  readonly tenantId: string;
  readonly api: Api;
}

const IDS: string[] = Array.from({ length: 5 }, () => randomUUID());
const DEAD: string[] = Array.from({ length: 3 }, () => randomUUID());
const KEYS = ['order-1', 'order-2', 'order-3'];

describe('two tenants with the same message ids and idempotency keys', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;
  let sides: [Side, Side];

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    program = await Program.start({ databaseUrl: database.url, env: WITH_TOKENS });
    sides = [await side('left'), await side('right')];
    for (const one of sides) await fill(one);
    for (const one of sides) await isFilled(one);
  });

  afterAll(async () => {
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  async function side(name: string): Promise<Side> {
    const tenantId = await program.api.as(adminToken()).createTenant(3, name);
    return { name, tenantId, api: program.api.as(tenantToken(tenantId)) };
  }

  const messages = ({ tenantId }: Side, rest = ''): string =>
    `/api/tenants/${tenantId}/messages${rest}`;
  const letters = ({ tenantId }: Side, rest = ''): string =>
    `/api/tenants/${tenantId}/dead-letters${rest}`;

  async function fill({ name, tenantId, api }: Side): Promise<void> {
    for (const messageId of IDS)
      await broker.publish(tenantId, JSON.stringify(name), { messageId });
    for (const messageId of DEAD) await broker.publish(tenantId, `${name}: no JSON`, { messageId });
    for (const key of KEYS) {
      const headers = { 'idempotency-key': key };
      const path = `/api/tenants/${tenantId}/messages`;
      const { status } = await api.request('POST', path, { payload: name }, headers);
      expect(status).toBe(202);
    }
  }

  const isFilled = (one: Side): Promise<void> =>
    eventually(async () => {
      expect((await one.api.messages(one.tenantId)).data).toHaveLength(8);
      expect(await deadIds(one)).toEqual([...DEAD].sort());
    });

  async function deadIds(one: Side): Promise<string[]> {
    const { body } = await one.api.get<Page<Letter>>(letters(one));
    return body.data.map(({ id }) => id).sort();
  }

  const eachAndOther = (): [Side, Side][] => [
    [sides[0], sides[1]],
    [sides[1], sides[0]],
  ];

  it('read their own in every list, and by every id', async () => {
    for (const one of sides) {
      for (const order of ['asc', 'desc']) {
        const { data } = await one.api.messages(one.tenantId, `?order=${order}`);
        expect(data.map(({ payload }) => payload)).toEqual(Array(8).fill(one.name));
        expect(new Set(data.map((message) => message.tenant_id))).toEqual(new Set([one.tenantId]));
      }
      for (const id of IDS) {
        const { body } = await one.api.get<MessageBody>(messages(one, `/${id}`));
        expect(body).toMatchObject({ id, tenant_id: one.tenantId, payload: one.name });
      }
    }
  });

  it('get ids of their own for the same idempotency key', async () => {
    const [left, right] = await Promise.all(
      sides.map(async (one) => {
        const { data } = await one.api.messages(one.tenantId);
        return data.map(({ id }) => id).filter((id) => !IDS.includes(id));
      }),
    );
    expect(left).toHaveLength(KEYS.length);
    expect(right?.filter((id) => left?.includes(id))).toEqual([]);
  });

  it('cannot see the other, be it by path, by id or by cursor', async () => {
    for (const [one, other] of eachAndOther()) {
      const theirs = await other.api.messages(other.tenantId);
      const only = theirs.data.find(({ id }) => !IDS.includes(id)) as MessageBody;
      expectProblem(await one.api.get(messages(other)), 404);
      expectProblem(await one.api.get(messages(other, `/${String(IDS[0])}`)), 404);
      expectProblem(await one.api.get(messages(one, `/${only.id}`)), 404);
      expectProblem(await one.api.get(letters(other)), 404);
    }
  });

  it("cannot read on from the other's cursors", async () => {
    for (const [one, other] of eachAndOther())
      for (const [path, theirs] of [
        [messages(one, '?order=asc&limit=2'), messages(other, '?order=asc&limit=2')],
        [messages(one, '?order=desc&limit=2'), messages(other, '?order=desc&limit=2')],
        [letters(one, '?limit=2'), letters(other, '?limit=2')],
      ] as const) {
        const { body }: Answer<Page<unknown>> = await other.api.get(theirs);
        expect(body.next_cursor).toEqual(expect.any(String));
        const crossed = await one.api.get(`${path}&cursor=${String(body.next_cursor)}`);
        expect(fieldsOf(expectProblem(crossed, 400))).toEqual(['cursor']);
        const { status } = await other.api.get(`${theirs}&cursor=${String(body.next_cursor)}`);
        expect(status).toBe(200);
      }
  });

  it("cannot touch the other's dead letters, which have the same ids", async () => {
    const [one, other] = sides;
    const [first, second] = DEAD as [string, string];
    for (const [method, rest] of [
      ['DELETE', `/${first}`],
      ['POST', `/${first}/redrive`],
      ['POST', '/redrive'],
    ] as const)
      expectProblem(await one.api.request(method, letters(other, rest)), 404);
    expect(await deadIds(other)).toEqual([...DEAD].sort());

    // What is thrown away and redriven on one side is still there, and untouched, on the other.
    expect((await one.api.request('DELETE', letters(one, `/${first}`))).status).toBe(204);
    expect((await one.api.request('POST', letters(one, `/${second}/redrive`))).status).toBe(202);
    await eventually(async () =>
      expect(await deadIds(one)).toEqual(DEAD.filter((id) => id !== first).sort()),
    );
    const { body } = await other.api.get<Page<Letter>>(letters(other));
    expect(body.data.map(({ id }) => id).sort()).toEqual([...DEAD].sort());
    for (const letter of body.data)
      expect(letter).toMatchObject({ tenant_id: other.tenantId, body: `${other.name}: no JSON` });
  });
});
