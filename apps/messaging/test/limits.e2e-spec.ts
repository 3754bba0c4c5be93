import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, ProblemBody, TenantBody } from './support/api';
import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { account, ALL_ONCE } from './support/load';
import { expectProblem, fieldsOf } from './support/problem';
import { Program } from './support/program';
import { type Sent, sendAsMuchAsPossible } from './support/pressure';
import { TcpProxy } from './support/tcp-proxy';

/** What a change takes to be known everywhere, and then some. */
const KNOWN_WITHIN_MS = 2_000;

/** Messages a second; few, so that a busy machine can try many more. */
const RATE = 30;

describe('a limit', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let toDatabase: TcpProxy;
  let program: Program;
  let other: Program;
  let tenantId: string;

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    toDatabase = await TcpProxy.start(database.url);
    program = await Program.start({ databaseUrl: toDatabase.url });
    other = await Program.start({ databaseUrl: toDatabase.url, env: { ROLES: 'api' } });
  });

  beforeEach(async () => {
    tenantId = await program.api.createTenant();
  });

  afterAll(async () => {
    await Program.killAll();
    await toDatabase.stop();
    await broker.close();
    await database.drop();
  });

  const path = (rest = ''): string => `/api/tenants/${tenantId}${rest}`;

  const patch = (body: unknown, of = path()): Promise<Answer<TenantBody & ProblemBody>> =>
    program.api.request('PATCH', of, body);

  async function limit(limits: object): Promise<void> {
    expect((await patch(limits)).status).toBe(200);
    await delay(KNOWN_WITHIN_MS);
  }

  const send = (payload: unknown = 1, by = program): Promise<Answer<ProblemBody>> =>
    by.api.request('POST', path('/messages'), { payload });

  const sendBatch = (count: number, by = program): Promise<Answer<ProblemBody>> =>
    by.api.request('POST', path('/messages/batch'), {
      messages: Array.from({ length: count }, (_, payload) => ({ payload })),
    });

  const press = (seconds: number, ...programs: Program[]): Promise<Sent> =>
    sendAsMuchAsPossible(
      programs.map(({ api }) => api),
      tenantId,
      seconds,
    );

  describe('as a setting', () => {
    it('is none at first, and is shown wherever the tenant is', async () => {
      expect(await program.api.tenant(tenantId)).toMatchObject({
        rate_limit: null,
        max_backlog: null,
      });
      const { status, body } = await patch({ rate_limit: 100, max_backlog: 5_000 });
      expect(status).toBe(200);
      expect(body).toMatchObject({ tenant_id: tenantId, rate_limit: 100, max_backlog: 5_000 });
      expect(await other.api.tenant(tenantId)).toMatchObject({
        rate_limit: 100,
        max_backlog: 5_000,
      });
    });

    it('stays as it was where it is left out, and null takes it away', async () => {
      await patch({ rate_limit: 100, max_backlog: 5_000 });
      expect((await patch({ rate_limit: 7 })).body).toMatchObject({
        rate_limit: 7,
        max_backlog: 5_000,
      });
      expect((await patch({ max_backlog: null })).body).toMatchObject({
        rate_limit: 7,
        max_backlog: null,
      });
      expect((await patch({ rate_limit: null })).body).toMatchObject({ rate_limit: null });
    });

    it.each([
      [{}, ['max_backlog', 'rate_limit']],
      [undefined, ['max_backlog', 'rate_limit']],
      [[], ['body']],
      ['5', ['body']],
      [{ rate_limit: 0 }, ['rate_limit']],
      [{ rate_limit: -1, max_backlog: 0 }, ['max_backlog', 'rate_limit']],
      [{ rate_limit: 1.5 }, ['rate_limit']],
      [{ rate_limit: '5' }, ['rate_limit']],
      [{ rate_limit: true }, ['rate_limit']],
      [{ rate_limit: 1_000_001 }, ['rate_limit']],
      [{ max_backlog: 1_000_000_001 }, ['max_backlog']],
      [{ max_backlog: [] }, ['max_backlog']],
      [{ rate_limit: 5, name: 'new' }, ['name']],
      [{ rate_limit: 5, workers: 5 }, ['workers']],
    ])('is refused and changes nothing: %j names %j', async (body, fields) => {
      const before = await program.api.tenant(tenantId);
      expect(fieldsOf(expectProblem(await patch(body), 400, path()))).toEqual(fields);
      const { rate_limit, max_backlog, name, workers, updated_at } = before;
      const same = { rate_limit, max_backlog, name, workers, updated_at };
      expect(await program.api.tenant(tenantId)).toMatchObject(same);
    });

    it('is of living tenants only', async () => {
      await program.api.remove(tenantId);
      expectProblem(await patch({ rate_limit: 5 }), 404);
    });

    it('holds on every replica within 2 s, and is gone as soon', async () => {
      const statuses = async (by: Program): Promise<number> => (await sendBatch(3, by)).status;
      expect([await statuses(program), await statuses(other)]).toEqual([202, 202]);
      await limit({ rate_limit: 2 });
      expect([await statuses(program), await statuses(other)]).toEqual([400, 400]);
      await limit({ rate_limit: null });
      expect([await statuses(program), await statuses(other)]).toEqual([202, 202]);
    });
  });

  describe('of a rate', () => {
    it('lets a second’s worth in at once, then answers 429 and says when to come again', async () => {
      await limit({ rate_limit: 10 });
      const answers = await Promise.all(Array.from({ length: 30 }, () => send()));
      const accepted = answers.filter(({ status }) => status === 202);
      const refused = answers.filter(({ status }) => status === 429);
      expect(accepted.length + refused.length).toBe(30);
      // What the bucket gained meanwhile comes on top.
      expect(accepted.length).toBeGreaterThanOrEqual(10);
      expect(accepted.length).toBeLessThan(20);
      for (const answer of refused) {
        const problem = expectProblem(answer, 429, path('/messages'));
        expect(problem.type).toBe('urn:messaging:problem:rate-limited');
        expect(answer.headers.get('retry-after')).toBe('1');
        expect(answer.headers.get('ratelimit-policy')).toBe('"default";q=10;w=1');
        expect(answer.headers.get('ratelimit')).toBe('"default";r=0;t=1');
      }
      await delay(1_000);
      expect((await send()).status).toBe(202);
    });

    it('tells of itself on what is accepted, and nobody else of anything', async () => {
      const without = await send();
      expect(without.headers.get('ratelimit-policy')).toBeNull();
      await limit({ rate_limit: 100, max_backlog: 1_000 });
      const { status, headers } = await sendBatch(30);
      expect(status).toBe(202);
      expect(headers.get('ratelimit-policy')).toBe('"default";q=100;w=1, "backlog";q=1000');
      expect(headers.get('ratelimit')).toMatch(/^"default";r=(6\d|70);t=1, "backlog";r=9[4-7]\d$/);
    });

    it('takes a batch as a whole, or nothing of it', async () => {
      await limit({ rate_limit: 20 });
      expect((await sendBatch(15)).status).toBe(202);
      expectProblem(await sendBatch(15), 429);
      await delay(1_200);
      expect((await sendBatch(15)).status).toBe(202);
      await eventually(async () => expect(await database.stored(tenantId)).toBe(30));
    });

    it('calls a batch that it can never take invalid', async () => {
      await limit({ rate_limit: 20 });
      const problem = expectProblem(await sendBatch(21), 400);
      expect(fieldsOf(problem)).toEqual(['messages']);
      expect(problem.detail).toContain('at most 20 messages');
      expect((await sendBatch(20)).status).toBe(202);
    });

    it('holds for two replicas together, within 10 %', async () => {
      const rate = RATE;
      await limit({ rate_limit: rate });
      // Whoever has saved nothing up gets the rate, and no more.
      await press(1.5, program, other);
      const { accepted, refused, seconds, byReplica } = await press(6, program, other);
      expect(refused).toBeGreaterThan(0);
      expect(accepted.length / seconds).toBeGreaterThan(rate * 0.9);
      expect(accepted.length / seconds).toBeLessThan(rate * 1.1);
      for (const count of byReplica) expect(count).toBeGreaterThan(0);
      await eventually(async () => expect(await account(database, accepted)).toEqual(ALL_ONCE));
    });

    it('holds for the one replica that is asked, within 10 %', async () => {
      await limit({ rate_limit: RATE });
      await press(1.5, program);
      const { accepted, seconds } = await press(6, program);
      expect(accepted.length / seconds).toBeGreaterThan(RATE * 0.9);
      expect(accepted.length / seconds).toBeLessThan(RATE * 1.1);
    });

    it('is no other tenant’s', async () => {
      await limit({ rate_limit: 1 });
      const stranger = await program.api.createTenant();
      for (let sent = 0; sent < 20; sent++) await program.api.send(stranger, sent);
      const buckets = await database.rows('SELECT 1 FROM rate_buckets WHERE tenant_id = $1', [
        stranger,
      ]);
      expect(buckets).toEqual([]);
    });

    it.each(['freeze', 'cut'] as const)(
      'is kept by each replica for its share while the database is away (%s)',
      async (fault) => {
        await limit({ rate_limit: RATE });
        await press(1.5, program, other);
        toDatabase[fault]();
        const { accepted, seconds, slowestMs } = await press(6, program, other);
        toDatabase.restore();
        expect(accepted.length / seconds).toBeGreaterThan(RATE * 0.8);
        expect(accepted.length / seconds).toBeLessThan(RATE * 1.2);
        expect(slowestMs).toBeLessThan(1_500);

        await eventually(async () => expect(await program.api.status('/health/ready')).toBe(200));
        await eventually(async () => expect(await account(database, accepted)).toEqual(ALL_ONCE));
        await press(2, program, other);
        const after = await press(4, program, other);
        expect(after.accepted.length / after.seconds).toBeLessThan(RATE * 1.1);
        expect(after.refused).toBeGreaterThan(0);
      },
    );

    it('holds back nothing that is redriven', async () => {
      for (let sent = 0; sent < 5; sent++) await broker.publish(tenantId, 'not JSON');
      await eventually(async () => {
        const { body } = await program.api.get<{ data: unknown[] }>(path('/dead-letters'));
        expect(body.data).toHaveLength(5);
      });
      await limit({ rate_limit: 1 });
      const { status, body } = await program.api.request('POST', path('/dead-letters/redrive'), {});
      expect({ status, body }).toEqual({ status: 202, body: { redriven: 5 } });
    });
  });

  describe('of a backlog', () => {
    const consumers = (count: number): Promise<void> =>
      eventually(async () =>
        expect(await broker.queue(tenantId)).toEqual({ ready: 0, consumers: count }),
      );

    /** Nobody consumes its queue. */
    beforeEach(async () => {
      await consumers(1);
      await program.api.pause(tenantId);
      await consumers(0);
    });

    it('is exact at one replica, however many come at once', async () => {
      await limit({ max_backlog: 25 });
      const answers = await Promise.all(Array.from({ length: 100 }, () => send()));
      expect(answers.filter(({ status }) => status === 202)).toHaveLength(25);
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(75);
      expect((await broker.queue(tenantId))?.ready).toBe(25);

      const refused = await send();
      const problem = expectProblem(refused, 429, path('/messages'));
      expect(problem.type).toBe('urn:messaging:problem:backlog-full');
      expect(refused.headers.get('retry-after')).toBe('1');
      expect(refused.headers.get('ratelimit-policy')).toBe('"backlog";q=25');
      expect(refused.headers.get('ratelimit')).toBe('"backlog";r=0');
    });

    it('is seen by the other replica, and counts what came over AMQP', async () => {
      await limit({ max_backlog: 10 });
      for (let sent = 0; sent < 4; sent++) await broker.publish(tenantId, '1');
      expect((await sendBatch(4)).status).toBe(202);
      expect((await sendBatch(4, other)).status).toBe(429);
      expect((await sendBatch(2, other)).status).toBe(202);
      await eventually(async () => expect((await send()).status).toBe(429));
      // By its own sum two more fit, until it looks again.
      expect((await broker.queue(tenantId))?.ready).toBeGreaterThanOrEqual(10);
      expect((await broker.queue(tenantId))?.ready).toBeLessThanOrEqual(12);
    });

    it('is not passed by much when two replicas are pressed', async () => {
      await limit({ max_backlog: 50 });
      const { refused } = await press(4, program, other);
      expect(refused).toBeGreaterThan(0);
      const ready = (await broker.queue(tenantId))?.ready;
      expect(ready).toBeGreaterThanOrEqual(50);
      // What 4 callers of the other replica may send in 10 ms, and have under way.
      expect(ready).toBeLessThan(70);
    });

    it('takes a batch as a whole, or nothing of it', async () => {
      await limit({ max_backlog: 10 });
      expect((await sendBatch(7)).status).toBe(202);
      expectProblem(await sendBatch(4), 429);
      expect(fieldsOf(expectProblem(await sendBatch(11), 400))).toEqual(['messages']);
      expect((await sendBatch(3)).status).toBe(202);
      await eventually(async () => expect((await broker.queue(tenantId))?.ready).toBe(10));
    });

    it('lets in again what is stored meanwhile', async () => {
      await limit({ max_backlog: 5 });
      expect((await sendBatch(5)).status).toBe(202);
      expect((await send()).status).toBe(429);
      await program.api.resume(tenantId);
      await eventually(async () => expect((await send()).status).toBe(202));
    });

    it('is no brake for a tenant whose messages are stored as they come', async () => {
      // With a few they would be slower than the callers.
      await program.api.setWorkers(tenantId, 100);
      await program.api.resume(tenantId);
      await consumers(1);
      await limit({ max_backlog: 30 });
      const { accepted, refused } = await press(4, program);
      expect(accepted.length).toBeGreaterThan(60);
      expect(refused).toBe(0);
    });
  });
});
