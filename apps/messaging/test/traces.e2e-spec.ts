import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { TestBroker } from './support/broker';
import { Collector, type ExportedSpan } from './support/collector';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { Scrape } from './support/metrics';
import { Program } from './support/program';
import { StoringLock } from './support/storing-lock';

const TRACING = resolve(__dirname, '../../../dist/libs/tracing/src');

/** Somebody's trace, and the header that says so. */
function callersTrace(flags = '01'): { traceId: string; spanId: string; traceparent: string } {
  const traceId = randomBytes(16).toString('hex');
  const spanId = randomBytes(8).toString('hex');
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-${flags}` };
}

describe('a trace', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let collector: Collector;
  let program: Program;

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    collector = await Collector.start();
    program = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  });

  afterEach(() => StoringLock.releaseAll());

  afterAll(async () => {
    await Program.killAll();
    await collector.stop();
    await broker.close();
    await database.drop();
  });

  /** Exports soon, unless `env` says otherwise. */
  const start = (env: Record<string, string>): Promise<Program> =>
    Program.start({
      databaseUrl: database.url,
      env: {
        OTEL_BSP_SCHEDULE_DELAY: '50',
        OTEL_SERVICE_NAME: 'traced',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=a%20test',
        ...env,
      },
    });

  async function send(
    tenantId: string,
    traceparent: string,
    to = program,
    payloads: readonly unknown[] = ['traced'],
  ): Promise<void> {
    const path = `/api/tenants/${tenantId}/messages/batch`;
    const body = { messages: payloads.map((payload) => ({ payload })) };
    const { status } = await to.api.request('POST', path, body, { traceparent });
    expect(status).toBe(202);
  }

  const ofKind = (spans: ExportedSpan[], kind: string): ExportedSpan[] =>
    spans.filter((span) => span.kind === kind);

  /** Once this many of them are stored and told of. */
  async function processed(traceId: string, count: number): Promise<ExportedSpan[]> {
    return eventually(() => {
      const own = ofKind(collector.trace(traceId), 'consumer');
      expect(own).toHaveLength(count);
      return own;
    });
  }

  it('leads from the caller through request and broker to the insert', async () => {
    const tenantId = await program.api.createTenant();
    const { traceId, spanId, traceparent } = callersTrace();
    await send(tenantId, traceparent);

    const spans = await eventually(() => {
      const own = collector.trace(traceId);
      expect(own.map(({ kind }) => kind).toSorted()).toEqual(
        ['client', 'consumer', 'producer', 'server'].toSorted(),
      );
      return own;
    });
    const [server, producer, consumer, insert] = ['server', 'producer', 'consumer', 'client'].map(
      (kind) => ofKind(spans, kind)[0] as ExportedSpan,
    ) as [ExportedSpan, ExportedSpan, ExportedSpan, ExportedSpan];
    expect([server, producer, consumer, insert].map(({ parentId }) => parentId)).toEqual([
      spanId,
      server.spanId,
      producer.spanId,
      consumer.spanId,
    ]);
    expect(server).toMatchObject({
      name: 'POST /api/tenants/:tenant_id/messages/batch',
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/api/tenants/:tenant_id/messages/batch',
        'http.response.status_code': 202,
        'url.path': `/api/tenants/${tenantId}/messages/batch`,
        'tenant.id': tenantId,
      },
      resource: { 'service.name': 'traced', 'deployment.environment.name': 'a test' },
    });
    const [message] = (await program.api.messages(tenantId)).data;
    const ofMessage = {
      'messaging.system': 'rabbitmq',
      'messaging.destination.name': 'messaging.messages',
      'messaging.rabbitmq.destination.routing_key': tenantId,
      'messaging.message.id': message?.id,
    };
    expect(producer).toMatchObject({ name: 'send messaging.messages', attributes: ofMessage });
    expect(consumer).toMatchObject({
      name: 'process messaging.messages',
      attributes: { ...ofMessage, 'messaging.message.outcome': 'stored' },
    });
    expect(insert).toMatchObject({
      name: 'INSERT messages',
      attributes: { 'db.system.name': 'postgresql', 'db.collection.name': 'messages' },
      links: [{ traceId, spanId: consumer.spanId }],
    });
    for (const span of spans) expect(span).toMatchObject({ failed: false });
    for (const { tookMs } of spans) expect(tookMs).toBeGreaterThanOrEqual(0);
    expect(collector.problems).toEqual([]);
  });

  it('meets the traces of others in a batch, which is linked to every message', async () => {
    const tenantId = await program.api.createTenant(10);
    const lock = await StoringLock.hold(database, tenantId);
    const [first, one, three] = [callersTrace(), callersTrace(), callersTrace()] as const;
    await send(tenantId, first.traceparent);
    await eventually(async () => expect(await lock.waiting()).toBe(1));
    // While the first is held up, the others gather.
    await send(tenantId, callersTrace('00').traceparent);
    await send(tenantId, one.traceparent);
    await send(tenantId, three.traceparent, program, [1, 2, 3]);
    await broker.publish(tenantId, '"of no trace"', { messageId: randomUUID() });
    await eventually(async () => {
      expect((await Scrape.of(program.api)).value('in_flight_messages')).toBe(7);
    });
    await lock.release();

    const messages = [...(await processed(one.traceId, 1)), ...(await processed(three.traceId, 3))];
    const batch = await eventually(() => {
      const found = collector.trace(one.traceId).find(({ kind }) => kind === 'client');
      expect(found).toBeDefined();
      return found as ExportedSpan;
    });
    expect(batch.parentId).toBe(messages[0]?.spanId);
    expect(batch.attributes).toMatchObject({ 'db.operation.batch.size': 6 });
    const linked = batch.links.map(({ traceId, spanId }) => `${traceId} ${spanId}`);
    expect(linked.toSorted()).toEqual(
      messages.map(({ traceId, spanId }) => `${traceId} ${spanId}`).toSorted(),
    );
    for (const { links } of messages.slice(1))
      expect(links).toEqual([{ traceId: one.traceId, spanId: batch.spanId }]);
  });

  it('is gone on with for a service that speaks AMQP, and is not begun for it', async () => {
    const tenantId = await program.api.createTenant();
    const { traceId, spanId, traceparent } = callersTrace();
    const untraced = randomUUID();
    const junk = randomUUID();
    await broker.publish(tenantId, '1', { messageId: untraced });
    await broker.publish(tenantId, '2', { messageId: junk, headers: { traceparent: ['no', 1] } });
    await broker.publish(tenantId, '3', { messageId: randomUUID(), headers: { traceparent } });

    const [consumer] = await processed(traceId, 1);
    expect(consumer?.parentId).toBe(spanId);
    await eventually(async () => expect(await database.stored(tenantId)).toBe(3));
    const ids = collector.spans.map(({ attributes }) => attributes['messaging.message.id']);
    expect(ids).not.toContain(untraced);
    expect(ids).not.toContain(junk);
  });

  it('tells of a message that became a dead letter, and of a call that failed', async () => {
    const tenantId = await program.api.createTenant();
    const { traceId, traceparent } = callersTrace();
    await broker.publish(tenantId, 'no JSON', {
      messageId: randomUUID(),
      headers: { traceparent },
    });
    const [consumer] = await processed(traceId, 1);
    expect(consumer?.attributes['messaging.message.outcome']).toBe('dead');

    const other = callersTrace();
    const gone = `/api/tenants/${randomUUID()}/messages?limit=1&secret=in-the-query`;
    await program.api.request('GET', gone, undefined, { traceparent: other.traceparent });
    const [server] = await eventually(() => {
      const own = collector.trace(other.traceId);
      expect(own).toHaveLength(1);
      return own;
    });
    expect(server?.attributes['http.response.status_code']).toBe(400);
    expect(server?.failed).toBe(false);
    expect(JSON.stringify(collector.spans)).not.toContain('in-the-query');
  });

  it('is not recorded when its caller says so, and is passed on all the same', async () => {
    const tenantId = await program.api.createTenant();
    await program.api.pauseAndWait(tenantId);
    const { traceId, traceparent } = callersTrace('00');
    await send(tenantId, traceparent);

    const carried = await headersInQueue(tenantId);
    expect(carried['traceparent']).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
    await program.api.resume(tenantId);
    await eventually(async () => expect(await database.stored(tenantId)).toBe(1));
    // One that is recorded comes after it.
    const later = callersTrace();
    await send(tenantId, later.traceparent);
    await processed(later.traceId, 1);
    expect(collector.trace(traceId)).toEqual([]);
  });

  async function headersInQueue(tenantId: string): Promise<Record<string, unknown>> {
    const message = await broker.first(tenantId);
    return message.properties.headers ?? {};
  }

  it('is not made for probes and scrapes', async () => {
    const { traceId, traceparent } = callersTrace();
    for (const path of ['/health/live', '/health/ready', '/metrics'])
      await program.api.request('GET', path, undefined, { traceparent });
    const { traceId: later, traceparent: recorded } = callersTrace();
    await program.api.request('GET', '/api/tenants', undefined, { traceparent: recorded });
    await eventually(() => expect(collector.trace(later)).toHaveLength(1));
    expect(collector.trace(traceId)).toEqual([]);
  });

  it('is sent to its end before the process is gone', async () => {
    const leaving = await start({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces`,
      OTEL_BSP_SCHEDULE_DELAY: '600000',
    });
    const { traceId, traceparent } = callersTrace();
    await leaving.api.request('GET', '/api/tenants', undefined, { traceparent });
    expect(collector.trace(traceId)).toEqual([]);
    expect((await leaving.stop()).code).toBe(0);
    expect(collector.trace(traceId)).toHaveLength(1);
  });

  it.each([
    ['is away', (): string => 'http://127.0.0.1:1'],
    ['never answers', (): string => collector.url],
  ])('harms nobody when its collector %s', async (how, url) => {
    collector.hangs = how === 'never answers';
    const alone = await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: url(),
      OTEL_EXPORTER_OTLP_TIMEOUT: '100',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1',
    });
    const tenantId = await alone.api.createTenant();
    for (let sent = 0; sent < 20; sent++) await send(tenantId, callersTrace().traceparent, alone);
    await eventually(async () => expect(await database.stored(tenantId)).toBe(20));
    await eventually(() => expect(alone.output).toContain('Spans are not exported'));
    const stopping = performance.now();
    const { code } = await alone.stop();
    const tookMs = performance.now() - stopping;
    collector.hangs = false;
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(5_000);
    expect(alone.output.match(/Spans are not exported/g)).toHaveLength(1);
    expect(alone.output).not.toMatch(/unhandled|UnhandledPromise/i);
  });

  it('is off without those variables, and when they say so', async () => {
    for (const env of [
      {},
      { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SDK_DISABLED: 'true' },
    ]) {
      const off = await Program.start({ databaseUrl: database.url, env: { ROLES: 'api', ...env } });
      const tenantId = await program.api.createTenant();
      await program.api.pauseAndWait(tenantId);
      const { traceId, traceparent } = callersTrace();
      await send(tenantId, traceparent, off);
      expect(Object.keys(await headersInQueue(tenantId))).not.toContain('traceparent');
      await off.stop();
      expect(collector.trace(traceId)).toEqual([]);
    }
  });

  it.each([
    ['{}', false],
    ['{ OTEL_TRACES_EXPORTER: "none", OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" }', false],
    ['{ OTEL_TRACES_EXPORTER: "otlp" }', true],
  ])('loads no SDK that nobody asked for (%s)', async (variables, loaded) => {
    const program = `require(${JSON.stringify(TRACING)}).startTracing(${variables}).then(() =>
      console.log(Object.keys(require.cache).some((path) => path.includes('sdk-trace-base'))))`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', program]);
    expect(stdout.trim()).toBe(String(loaded));
  });
});
