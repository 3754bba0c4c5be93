import { randomBytes, randomUUID } from 'node:crypto';
import type { Answer } from './support/api';
import { TestBroker } from './support/broker';
import { Collector } from './support/collector';
import { partitionOf, TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { lineOf as lineOfId, linesOf, type LogLine } from './support/log';
import { Program } from './support/program';
import { servers } from './support/servers';
import { TcpProxy } from './support/tcp-proxy';

/** Nothing that the program makes by itself looks like this. */
const SECRET = 'hush-5f0c-do-not-tell';

const MANY = 20;
const DEAD_LETTER_AFTER = 5;

describe('the log', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let collector: Collector;
  const to = {} as Record<'database' | 'broker', TcpProxy>;
  let program: Program;

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    collector = await Collector.start();
    to.database = await TcpProxy.start(database.url);
    to.broker = await TcpProxy.start(servers().rabbitmqUrl);
    program = await Program.start({
      databaseUrl: to.database.url,
      rabbitmqUrl: to.broker.url,
      env: {
        // All that it has to say, that of the libraries included.
        LOG_LEVEL: 'trace',
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        DEAD_LETTER_AFTER: String(DEAD_LETTER_AFTER),
      },
    });
  });

  afterAll(async () => {
    await Program.killAll();
    for (const proxy of Object.values(to)) await proxy.stop();
    await collector.stop();
    await broker.close();
    await database.drop();
  });

  const lineOf = ({ headers }: Answer): Promise<LogLine> =>
    lineOfId(program, headers.get('x-request-id'));

  it('has a line of JSON for every request, with the ids of request, trace and tenant', async () => {
    const { api } = program;
    const traceId = randomBytes(16).toString('hex');
    const headers = {
      'x-request-id': 'the-callers-own',
      traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01`,
    };
    const created = await api.request<{ tenant_id: string }>('POST', '/api/tenants', { name: 'a' });
    const { tenant_id } = created.body;
    expect(await lineOf(created)).toMatchObject({ tenant_id, res: { statusCode: 201 } });

    const url = `/api/tenants/${tenant_id}/messages`;
    const answer = await api.request('POST', url, { payload: 1 }, headers);
    expect(await lineOf(answer)).toEqual({
      level: 30,
      time: expect.any(Number) as number,
      pid: program.pid,
      hostname: expect.any(String) as string,
      request_id: 'the-callers-own',
      trace_id: traceId,
      span_id: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      tenant_id,
      req: { method: 'POST', url },
      res: { statusCode: 202 },
      duration_ms: expect.any(Number) as number,
      msg: 'request completed',
    });
  });

  it('names the tenant however the path is written', async () => {
    const tenantId = await program.api.createTenant();
    const path = `/%61pi/tenants/${tenantId.replace(/^0/, '%30')}/messages`;
    const answer = await program.api.request('POST', path, { payload: 1 });
    expect(await lineOf(answer)).toMatchObject({ tenant_id: tenantId, res: { statusCode: 202 } });
  });

  it('has none for a probe, a scrape, or a message', async () => {
    const { api } = program;
    const tenantId = await api.createTenant();
    await api.send(tenantId, 'the first is told of');
    await eventually(async () => expect(await database.stored(tenantId)).toBe(1));
    const before = linesOf(program).length;
    for (const path of ['/health/live', '/health/ready', '/metrics']) await api.get(path);
    await api.sendBatch(
      tenantId,
      Array.from({ length: 50 }, (_, index) => index),
    );
    await eventually(async () => expect(await database.stored(tenantId)).toBe(51));
    const last = await api.get(`/api/tenants/${tenantId}`);
    await lineOf(last);

    const requests = linesOf(program)
      .slice(before)
      .filter(({ res }) => res);
    expect(requests.map(({ req }) => req?.method)).toEqual(['POST', 'GET']);
    // Whatever else it says at this level meanwhile, it is not of every message.
    expect(linesOf(program).length - before).toBeLessThan(25);
  });

  it('has no stack of a refusal, and says of a failure where it was thrown', async () => {
    const { api } = program;
    to.broker.cut();
    const tenantId = randomUUID();
    const refused = await api.request('POST', `/api/tenants/${tenantId}/messages`, { payload: 1 });
    to.broker.restore();
    expect(refused.status).toBe(503);
    const line = await lineOf(refused);
    expect(line).toMatchObject({ tenant_id: tenantId, res: { statusCode: 503 } });
    expect(line.err).toBeUndefined();
    await eventually(async () => expect(await api.status('/health/ready')).toBe(200));
  });

  it('names the tenant in a field of its own whenever a line is about one, if no request writes it', async () => {
    const { api } = program;
    const tenantId = await api.createTenant();
    await eventually(async () => expect((await broker.queue(tenantId))?.consumers).toBe(1));
    await broker.deleteQueue(tenantId);
    const about = (): LogLine[] =>
      linesOf(program).filter(({ msg = '' }) => /\btenant [0-9a-f]{8}-/i.test(msg));
    await eventually(() => expect(about().map(({ msg }) => msg)).toContainEqual(brokeOf(tenantId)));
    for (const { msg, tenant_id } of about())
      expect(msg).toContain(`enant ${tenant_id ?? 'without a field'}`);
  });

  const brokeOf = (tenantId: string): unknown =>
    expect.stringContaining(`The consumer of tenant ${tenantId} broke: `);

  describe('never tells', () => {
    let tenantId: string;
    let messages: string;

    beforeAll(async () => {
      await eventually(async () => expect(await program.api.status('/health/ready')).toBe(200));
      tenantId = await program.api.createTenant();
      messages = `/api/tenants/${tenantId}/messages`;
      await eventually(async () => expect((await broker.queue(tenantId))?.consumers).toBe(1));
    });

    /** The secret is nowhere, and what the test did left its trace: a log that is empty keeps all. */
    async function expectKept(trace: RegExp): Promise<void> {
      await eventually(() => expect(program.output).toMatch(trace));
      expect(program.output).not.toContain(SECRET);
      expect(program.output).not.toContain(Buffer.from(SECRET).toString('base64'));
      expect(program.output).not.toContain(Buffer.from(SECRET).toString('hex'));
      linesOf(program);
    }

    const deadLetters = async (): Promise<number> => {
      const [row] = await database.rows<{ n: number }>(
        'SELECT count(*)::int AS n FROM dead_letters',
      );
      return row?.n ?? 0;
    };

    const publish = (body: string): Promise<void> =>
      broker.publish(tenantId, body, {
        messageId: randomUUID(),
        type: SECRET,
        headers: { SECRET },
      });

    it('what came with a request: its token, its keys, its query, its body', async () => {
      const { api } = program;
      const headers = {
        authorization: `Bearer ${SECRET}`,
        cookie: `session=${SECRET}`,
        'idempotency-key': SECRET,
        'x-api-key': SECRET,
      };
      const accepted = await api.request(
        'POST',
        messages,
        { payload: SECRET, type: SECRET },
        headers,
      );
      expect(accepted.status).toBe(202);
      for (const body of [
        { [SECRET]: SECRET },
        { payload: 1, type: [SECRET] },
        `{"payload":"${SECRET}`,
      ])
        expect((await api.request('POST', messages, body, headers)).status).toBe(400);
      expect((await api.get(`${messages}?cursor=${SECRET}&token=${SECRET}`)).status).toBe(400);
      expect((await api.get(`${messages}?cursor=${SECRET}`)).status).toBe(400);
      await expectKept(/"statusCode":400/);
    });

    it('what is poison', async () => {
      const before = await deadLetters();
      for (const body of [SECRET, `{"open": "${SECRET}`, `"${SECRET}\\u0000"`]) await publish(body);
      await eventually(async () => expect(await deadLetters()).toBe(before + 3));
      await expectKept(/./);
    });

    it('what PostgreSQL refuses, quoting the row', async () => {
      const before = await deadLetters();
      await database.client.query(`
        ALTER TABLE ${partitionOf(tenantId)}
        ADD CONSTRAINT house_rule CHECK (payload ->> 'refused' IS NULL)`);
      await publish(`{"refused": "${SECRET}"}`);
      await eventually(async () => expect(await deadLetters()).toBe(before + 1));
      await expectKept(/./);
    });

    const failureLines = (): LogLine[] =>
      linesOf(program).filter(({ msg = '' }) => /back to (its|their) queue/.test(msg));

    /** The first by a line of its own, the others by their number. */
    const failuresToldOf = (): number =>
      failureLines()
        .map(({ msg = '' }) => Number(/, (\d+) times more within/.exec(msg)?.[1] ?? 1))
        .reduce((a, b) => a + b, 0);

    it('what fails for a reason that nobody knows, nor of each message that does', async () => {
      await database.client.query(`
        CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN RAISE EXCEPTION 'out of sorts' USING DETAIL = NEW.payload::text; END $$;
        CREATE TRIGGER fail BEFORE INSERT ON ${partitionOf(tenantId)}
          FOR EACH ROW EXECUTE FUNCTION fail()`);
      for (let sent = 0; sent < MANY; sent++) await publish(`{"fails": "${SECRET}"}`);
      await expectKept(/goes back to its queue: out of sorts/);
      // Each is delivered as often as it may be. What is not told at once is told 10 s later.
      const withinMs = 40_000;
      await eventually(() => expect(failuresToldOf()).toBe(MANY * DEAD_LETTER_AFTER), { withinMs });
      expect(failureLines().length).toBeLessThan(MANY);
      for (const line of failureLines())
        expect(line).toMatchObject({ level: 50, tenant_id: tenantId });
      await database.client.query(`DROP TRIGGER fail ON ${partitionOf(tenantId)}`);
    });

    it('what a statement was given that breaks, in an answer with 500', async () => {
      const { api } = program;
      await database.client.query('ALTER TABLE messages RENAME COLUMN type TO kind');
      await publish(`{"waits": "${SECRET}"}`);
      const [page, one] = [await api.get(messages), await api.get(`${messages}/${randomUUID()}`)];
      expect([page.status, one.status]).toEqual([500, 500]);
      await expectKept(/Not stored yet, trying again: .*column/);
      await database.client.query('ALTER TABLE messages RENAME COLUMN kind TO type');
      const errors = linesOf(program).filter(({ err }) => err);
      const failures = errors.filter(
        ({ request_id }) => request_id === page.headers.get('x-request-id'),
      );
      expect(failures).toHaveLength(1);
      expect(Object.keys(failures[0]?.err ?? {})).toEqual(['type', 'code', 'message', 'stack']);
      for (const { err } of errors) expect(Object.keys(err ?? {})).not.toContain('parameters');
    });

    it('with which passwords it connects, when it cannot', async () => {
      for (const proxy of Object.values(to)) proxy.cut();
      await eventually(async () => expect(await program.api.status('/health/ready')).toBe(503));
      for (const proxy of Object.values(to)) proxy.restore();
      await eventually(async () => expect(await program.api.status('/health/ready')).toBe(200));
      await expectKept(/[Dd]isconnected/);
      const { password } = new URL(servers().rabbitmqUrl);
      expect(program.output).not.toContain(`:${password}@`);
    });
  });
});
