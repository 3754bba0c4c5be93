import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { lineOf } from './support/log';
import { refusedDuring } from './support/metrics';
import { Program } from './support/program';
import { expectProblem, fieldsOf } from './support/problem';
import { head, RawClient } from './support/raw-client';

const NOBODY = '0192f0c1-2345-7abc-8def-0123456789ab';
const MAX_MESSAGE_BYTES = 262_144;

const manyFields = (count: number): object =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`field${at}`, at]));

describe('bad input', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;
  let tenantId: string;

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    program = await Program.start({ databaseUrl: database.url });
    tenantId = await program.api.createTenant();
  });

  afterAll(async () => {
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  const path = (template: string): string => `/api/tenants${template.replace('{id}', tenantId)}`;

  /** Method, path, body as JSON text or a value, and every field that must be named. */
  const invalid: [method: string, path: string, body: unknown, fields: string[]][] = [
    ['POST', '', {}, ['name']],
    ['POST', '', undefined, ['name']],
    ['POST', '', [], ['name']],
    ['POST', '', 'null', ['name']],
    ['POST', '', '5', ['name']],
    ['POST', '', '"name"', ['name']],
    ['POST', '', { name: null }, ['name']],
    ['POST', '', { name: 5 }, ['name']],
    ['POST', '', { name: ['a'] }, ['name']],
    ['POST', '', { name: '' }, ['name']],
    ['POST', '', { name: ' \t ' }, ['name']],
    ['POST', '', { name: 'a'.repeat(101) }, ['name']],
    ['POST', '', { name: 'a\u0000b' }, ['name']],
    ['POST', '', '{"name":"\\ud800"}', ['name']],
    ...[0, -1, 1.5, '5', null, true, [], {}, 1001, 1e300].map(
      (workers): [string, string, unknown, string[]] => [
        'POST',
        '',
        { name: 'workers', workers },
        ['workers'],
      ],
    ),
    ['POST', '', '{"name":"workers","workers":1e999}', ['workers']],
    ['POST', '', { name: '', workers: 0, colour: 'red' }, ['colour', 'name', 'workers']],
    ['POST', '', { name: 'unknown', tenant_id: NOBODY }, ['tenant_id']],
    ['POST', '', '{"name":"unknown","__proto__":{"workers":5}}', ['__proto__']],
    ['POST', '', { name: 'unknown', constructor: 1 }, ['constructor']],
    ['POST', '', { name: 'unknown', toString: 1 }, ['toString']],
    ['POST', '', { name: 'message', message: null }, ['message']],
    ['POST', '', { name: 'message', message: 5 }, ['message']],
    ['POST', '', { name: 'message', message: [] }, ['message']],
    ['POST', '', { name: 'message', message: [{ payload: 1 }] }, ['message']],
    ['POST', '', { name: 'message', message: {} }, ['message.payload']],
    [
      'POST',
      '',
      { name: '', message: { type: '', colour: 'red' } },
      ['message.colour', 'message.payload', 'message.type', 'name'],
    ],
    ['GET', '?limit=0', undefined, ['limit']],
    ['GET', '?limit=201', undefined, ['limit']],
    ['GET', '?limit=x', undefined, ['limit']],
    ['GET', '?limit=', undefined, ['limit']],
    ['GET', '?limit=1.5', undefined, ['limit']],
    ['GET', '?limit=-1', undefined, ['limit']],
    ['GET', '?limit=1&limit=2', undefined, ['limit']],
    ['GET', '?cursor=x', undefined, ['cursor']],
    ['GET', '?limit=x&colour=red&cursor=', undefined, ['colour', 'cursor', 'limit']],
    ['GET', '/x', undefined, ['tenant_id']],
    ['GET', `/${NOBODY}0`, undefined, ['tenant_id']],
    ['DELETE', '/x', undefined, ['tenant_id']],
    ['POST', '/x/pause', undefined, ['tenant_id']],
    ['POST', '/x/resume', undefined, ['tenant_id']],
    ['GET', '/x/config/concurrency', undefined, ['tenant_id']],
    ['PUT', '/x/config/concurrency', { workers: 5 }, ['tenant_id']],
    ...[0, -1, 1.5, '5', null, undefined, 1001].map(
      (workers): [string, string, unknown, string[]] => [
        'PUT',
        '/{id}/config/concurrency',
        { workers },
        ['workers'],
      ],
    ),
    ['PUT', '/{id}/config/concurrency', { workers: 0, more: 1 }, ['more', 'workers']],
    ['GET', '/x/messages', undefined, ['tenant_id']],
    ['GET', '/{id}/messages/x', undefined, ['id']],
    ['GET', '/x/messages/y', undefined, ['id', 'tenant_id']],
    ['GET', '/{id}/messages?limit=0', undefined, ['limit']],
    ['GET', '/{id}/messages?limit=201', undefined, ['limit']],
    ['GET', '/{id}/messages?limit=x', undefined, ['limit']],
    ['GET', '/{id}/messages?order=up', undefined, ['order']],
    ['GET', '/{id}/messages?order=asc&order=asc', undefined, ['order']],
    ['GET', '/{id}/messages?limit=x&order=y&colour=z', undefined, ['colour', 'limit', 'order']],
    ['POST', '/x/messages', { payload: 1 }, ['tenant_id']],
    ['POST', '/{id}/messages', {}, ['payload']],
    ['POST', '/{id}/messages', undefined, ['payload']],
    ['POST', '/{id}/messages', [], ['payload']],
    ['POST', '/{id}/messages', { payload: 1, type: '' }, ['type']],
    ['POST', '/{id}/messages', { payload: 1, type: 5 }, ['type']],
    ['POST', '/{id}/messages', { payload: 1, type: 'a'.repeat(101) }, ['type']],
    ['POST', '/{id}/messages', { payload: 1, type: '❤️'.repeat(51) }, ['type']],
    ['POST', '/{id}/messages', { type: 5, id: NOBODY }, ['id', 'payload', 'type']],
    ['POST', '/{id}/messages', '{"payload":"\\u0000","type":"a\\u0000"}', ['payload', 'type']],
    ['POST', '/{id}/messages/batch', {}, ['messages']],
    ['POST', '/{id}/messages/batch', [], ['messages']],
    ['POST', '/{id}/messages/batch', { messages: null }, ['messages']],
    ['POST', '/{id}/messages/batch', { messages: { payload: 1 } }, ['messages']],
    ['POST', '/{id}/messages/batch', { messages: [] }, ['messages']],
    [
      'POST',
      '/{id}/messages/batch',
      { messages: Array.from({ length: 1_001 }, () => ({ payload: 1 })) },
      ['messages'],
    ],
    ['POST', '/{id}/messages/batch', { messages: Array(100_000).fill({}) }, ['messages']],
    ['POST', '/{id}/messages', Array(100_000).fill({}), ['body']],
    ['POST', '/{id}/messages/batch', manyFields(101), ['body']],
    ['POST', '/{id}/messages/batch', { messages: [manyFields(101)] }, ['messages[0]']],
    ['POST', '/{id}/messages/batch', { messages: [[]] }, ['messages[0]']],
    [
      'POST',
      '/{id}/messages/batch',
      { messages: [5, null, 'x'] },
      [0, 1, 2].map((n) => `messages[${n}]`),
    ],
    [
      'POST',
      '/{id}/messages/batch',
      {
        messages: [
          { payload: 1 },
          { type: '' },
          { payload: 1, colour: 'red' },
          { payload: '\u0000' },
          { payload: 1, idempotency_key: 'not visible' },
          { payload: 1, idempotency_key: 'a'.repeat(201) },
          { payload: 1, idempotency_key: null },
        ],
      },
      [
        'messages[1].payload',
        'messages[1].type',
        'messages[2].colour',
        'messages[3].payload',
        'messages[4].idempotency_key',
        'messages[5].idempotency_key',
        'messages[6].idempotency_key',
      ],
    ],
  ];

  it.each(invalid)('%s /api/tenants%s with %j names %j', async (method, template, body, fields) => {
    const answer = await program.api.request(method, path(template), body);
    expect(fieldsOf(expectProblem(answer, 400, path(template)))).toEqual(fields);
  });

  it('names the first hundred of them', async () => {
    const messages = Array.from({ length: 150 }, () => ({}));
    const answer = await program.api.request('POST', path('/{id}/messages/batch'), { messages });
    const problem = expectProblem(answer, 400);
    expect(fieldsOf(problem)).toHaveLength(100);
    expect(problem.detail).toMatch(/messages\[99\]\.payload .*; and 50 more$/);
  });

  it.each([
    ['cut off', '{"name":'],
    ['with a comma too many', '{"name":"a",}'],
    ['with single quotes', "{'name':'a'}"],
    ['with something behind it', '{"name":"a"} x'],
    ['of words that JSON has not', '{"name":NaN}'],
    ['nested beyond reason', '['.repeat(100_000)],
  ])('JSON that is %s is called that', async (_, text) => {
    for (const template of ['', '/{id}/messages', '/{id}/messages/batch']) {
      const answer = await program.api.request('POST', path(template), text);
      expect(expectProblem(answer, 400).type).toBe('urn:messaging:problem:malformed-json');
    }
  });

  it('JSON that is not UTF-8 is called that', async () => {
    const response = await fetch(program.api.url + path(''), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Buffer.from('{"name":"\xff"}', 'latin1'),
    });
    const { status, headers } = response;
    expectProblem({ status, headers, body: await response.json() }, 400);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'nonsense'])(
    'a body of type %s is refused',
    async (type) => {
      const headers = { 'content-type': type };
      const answer = await program.api.request('POST', path(''), '{"name":"a"}', headers);
      expectProblem(answer, 415);
    },
  );

  it.each([
    ['GET', '/'],
    ['GET', '/api'],
    ['GET', '/api/nothing'],
    ['PATCH', '/api/tenants'],
    ['DELETE', '/api/tenants'],
    ['PUT', '/health/live'],
    ['GET', '/api/tenants/%'],
    ['GET', '/api/tenants/%ff/messages'],
    ['OPTIONS', '/api/tenants/%ff/messages'],
    ['GET', `/api/tenants/${'a'.repeat(300)}`],
    ['GET', `/api/${'long/'.repeat(500)}`],
  ])('%s %s, which is no route, is answered in the same form', async (method, route) => {
    const answer = await program.api.request(method, route);
    expect([400, 404, 414]).toContain(answer.status);
    expectProblem(answer, answer.status, route);
    // Whatever looks like a probe has none.
    if (route.startsWith('/health')) return;
    const line = await lineOf(program, answer.headers.get('x-request-id'));
    expect(line).toMatchObject({ req: { method, url: route }, res: { statusCode: answer.status } });
  });

  it.each([
    ['404', '/nothing'],
    ['400', '/api/tenants/%ff/messages'],
    ['414', `/api/tenants/${'a'.repeat(300)}`],
  ])('that comes to no route is counted, with %s', async (status, route) => {
    const refused = await refusedDuring(program.api, () => program.api.get(route));
    expect(refused).toEqual({ [`status-${status}`]: 1 });
  });

  const get = (...headers: string[]): string =>
    ['GET /api/tenants HTTP/1.1', ...headers, '', ''].join('\r\n');

  it.each([
    ['no HTTP', 400, (): string => 'hello\r\n\r\n'],
    ['too long', 431, (): string => get('host: test', `x-long: ${'a'.repeat(20_000)}`)],
    ['for no host', 400, (): string => get()],
    ['full of expectations', 417, (): string => get('host: test', 'expect: the-best')],
    [
      'not in the chunks that it speaks of',
      400,
      (): string => `${head(path('/{id}/messages'), 'transfer-encoding: chunked')}no chunk`,
    ],
  ])('a request that is %s is answered with %d, counted and logged', async (_, status, text) => {
    const client = await RawClient.connect(program.port);
    const refused = await refusedDuring(program.api, async () => {
      await client.write(text());
      await client.answer();
    });
    const answer = await client.answer();
    const { request_id } = expectProblem(answer, status);
    expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(refused).toEqual({ [`status-${status}`]: 1 });
    expect(await lineOf(program, request_id)).toMatchObject({ res: { statusCode: status } });
    await client.close();
  });

  it('a request id is echoed when it is sane, and replaced when it is not', async () => {
    const asks: [string, string, unknown?][] = [
      ['GET', '/health/live'],
      ['GET', path('')],
      ['GET', path('/x')],
      ['GET', '/nowhere'],
      ['POST', path(''), '{'],
      ['POST', path(''), JSON.stringify({ name: 'a'.repeat(MAX_MESSAGE_BYTES * 2) })],
      ['POST', path('/{id}/messages'), { payload: 'echo' }],
    ];
    for (const [method, route, body] of asks) {
      for (const id of ['caller-7', 'urn:uuid:0192f0c1', 'a'.repeat(128)]) {
        const { headers } = await program.api.request(method, route, body, { 'x-request-id': id });
        expect(headers.get('x-request-id')).toBe(id);
      }
      for (const id of ['', 'two words', '<script>', 'a'.repeat(129)]) {
        const { headers } = await program.api.request(method, route, body, { 'x-request-id': id });
        expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
      }
    }
  });

  it.each([
    ['', 'empty'],
    ['two words', 'not visible'],
    ['é', 'not ASCII'],
    ['a'.repeat(201), 'too long'],
  ])('an Idempotency-Key of %j is refused: %s', async (key) => {
    const headers = { 'idempotency-key': key };
    const answer = await program.api.request(
      'POST',
      path('/{id}/messages'),
      { payload: 1 },
      headers,
    );
    expect(fieldsOf(expectProblem(answer, 400))).toEqual(['Idempotency-Key']);
  });

  it('an Idempotency-Key for a whole batch is refused', async () => {
    const body = { messages: [{ payload: 1 }] };
    const headers = { 'idempotency-key': 'for-all' };
    const answer = await program.api.request('POST', path('/{id}/messages/batch'), body, headers);
    expect(fieldsOf(expectProblem(answer, 400))).toEqual(['Idempotency-Key']);
  });

  describe('size', () => {
    const ofBytes = (bytes: number): string => `"${'é'.repeat((bytes - 2) / 2)}"`;
    const post = (template: string, text: string): ReturnType<Program['api']['request']> =>
      program.api.request('POST', path(template), text);

    it('is taken up to the limit to the byte, and stored', async () => {
      const own = await program.api.createTenant();
      const payload = ofBytes(MAX_MESSAGE_BYTES);
      expect(Buffer.byteLength(payload)).toBe(MAX_MESSAGE_BYTES);
      const one = await post(`/${own}/messages`, `{"payload":${payload}}`);
      expect(one.status).toBe(202);
      const messages = Array.from({ length: 20 }, () => `{"payload":${payload}}`).join(',');
      const many = await post(`/${own}/messages/batch`, `{"messages":[${messages}]}`);
      expect(many.status).toBe(202);
      await eventually(async () => expect(await database.stored(own)).toBe(21));
    });

    it('is refused with 413 from one byte more on', async () => {
      const payload = `[${ofBytes(MAX_MESSAGE_BYTES - 2)} ]`;
      expect(Buffer.byteLength(payload)).toBe(MAX_MESSAGE_BYTES + 1);
      expectProblem(await post('/{id}/messages', `{"payload":${payload}}`), 413);
      const messages = `{"messages":[{"payload":1},{"payload":${payload}}]}`;
      expectProblem(await post('/{id}/messages/batch', messages), 413);
      const first = `{"name":"too large","message":{"payload":${payload}}}`;
      expectProblem(await post('', first), 413);
    });

    it('of a whole body is refused with 413 too', async () => {
      const spaces = ' '.repeat(MAX_MESSAGE_BYTES * 2);
      expectProblem(await post('/{id}/messages', `{"payload":1}${spaces}`), 413);
      expectProblem(await post('', `{"name":"too large"}${spaces}`), 413);
    });
  });

  it('has changed nothing: no tenant, no message', async () => {
    const names = await database.rows('SELECT name FROM tenants WHERE removed_at IS NULL');
    const mark = await program.api.send(tenantId, 'the last one');
    await eventually(async () =>
      expect((await program.api.messages(tenantId)).data[0]).toMatchObject({ id: mark }),
    );
    const stored = await program.api.allMessages(tenantId);
    expect(new Set(stored.map(({ payload }) => payload))).toEqual(
      new Set(['echo', 'the last one']),
    );
    expect((await broker.queue(tenantId))?.ready).toBe(0);
    expect(names).toHaveLength(2);
  });
});
