import { randomUUID } from 'node:crypto';
import type { Api, Page, ProblemBody } from './support/api';
import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { type FuzzAnswer, FuzzClient, pathOf } from './support/fuzz-client';
import type { FuzzRequest } from './support/fuzz-request';
import { fuzzRequests, type Pools } from './support/fuzz-requests';
import { fuzzSeed } from './support/fuzz-seed';
import { FuzzTokens } from './support/fuzz-tokens';
import { type Document, operationsOf } from './support/openapi-document';
import { Program } from './support/program';
import { stacksIn } from './support/stacks';
import { WITH_TOKENS } from './support/tokens';

jest.setTimeout(240_000);

const AMOUNT = 5_400;
const IN_FLIGHT = 30;

/** What the router, the server or the reading of a body answers, before there is an operation. */
const BEFORE_IT = [400, 401, 403, 404, 405, 413, 414, 415, 431];

describe('whatever is asked over HTTP', () => {
  const seed = fuzzSeed();
  let database: TestDatabase;
  let broker: TestBroker;
  const tokens = new FuzzTokens();
  let program: Program;
  let admin: Api;
  /** How much it had written when it was ready: until then it may say why it is not. */
  let startUp: number;

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    program = await Program.start({ databaseUrl: database.url, env: WITH_TOKENS });
    admin = program.api.as(tokens.admin);
    startUp = program.output.length;
  });

  afterAll(async () => {
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  it('is answered as documented, and harms nobody', async () => {
    const neighbour = await tenantWithAll();
    const before = await stateOf(neighbour);
    const { body: document } = await program.api.get<Document>('/api/docs-json');
    const requests = fuzzRequests(document, await makePools(), { seed, amount: AMOUNT });
    expect(requests.length).toBeGreaterThanOrEqual(5_000);

    const { wrong, succeeded, heard } = await sendAll(requests);
    expect(wrong).toEqual([]);
    expect([...heard]).toEqual(expect.arrayContaining([200, 400, 401, 403, 404]));
    const missing = [...operationsOf(document).keys()].filter((each) => !succeeded.has(each));
    expect(await sendOnly(missing, document)).toEqual({ wrong: [], succeeded: new Set(missing) });
    expect(stacksIn(program.output.slice(startUp))).toEqual([]);
    expect(program.output).not.toContain(tokens.admin.split('.').at(-1));

    expect(await stateOf(neighbour)).toEqual(before);
    expect(await program.api.status('/health/ready')).toBe(200);
    const tenantId = await admin.createTenant();
    const id = await admin.send(tenantId, { still: 'stored' });
    await eventually(async () => {
      expect(await admin.messages(tenantId)).toMatchObject({ data: [{ id }] });
    });
  });

  /** What others took away before it could succeed (the last dead letter, say) may now, without them. */
  async function sendOnly(operations: string[], document: Document) {
    if (operations.length === 0) return { wrong: [], succeeded: new Set() };
    const all = fuzzRequests(document, await makePools(), { seed, amount: AMOUNT });
    const { wrong, succeeded } = await sendAll(
      all.filter(({ operation }) => operations.includes(operation)),
    );
    return { wrong, succeeded };
  }

  /** The operations that succeeded at least once, all statuses, and the first answers that must not be. */
  async function sendAll(
    requests: readonly FuzzRequest[],
  ): Promise<{ wrong: object[]; succeeded: Set<string>; heard: Set<number> }> {
    const heard = new Set<number>();
    const succeeded = new Set<string>();
    const wrong: object[] = [];
    await new FuzzClient(program.port, IN_FLIGHT).sendAll(requests, (request, answer) => {
      heard.add(answer.status);
      if (request.routed && answer.status < 300 && answer.status >= 200)
        succeeded.add(request.operation);
      const problem = problemWith(request, answer);
      if (problem && wrong.length < 10) wrong.push(report(problem, request, answer));
    });
    return { wrong, succeeded, heard };
  }

  /** A tenant with messages and dead letters, more than a page of two. */
  async function tenantWithAll(deadLetters = 3): Promise<string> {
    const tenantId = await admin.createTenant();
    await admin.sendBatch(tenantId, [1, 'two', { three: [null] }]);
    for (let sent = 0; sent < deadLetters; sent++)
      await broker.publish(tenantId, 'not JSON', { messageId: randomUUID() });
    const all = 'SELECT FROM dead_letters WHERE tenant_id = $1';
    await eventually(async () => {
      expect(await database.stored(tenantId)).toBe(3);
      expect(await database.rows(all, [tenantId])).toHaveLength(deadLetters);
    });
    return tenantId;
  }

  async function stateOf(tenantId: string): Promise<unknown> {
    const { updated_at, workers, status, consumer } = await admin.tenant(tenantId);
    const messages = await admin.allMessages(tenantId);
    const { body: letters } = await admin.get(`/api/tenants/${tenantId}/dead-letters`);
    const queue = await broker.queue(tenantId);
    return { updated_at, workers, status, consumer, messages, letters, queue };
  }

  async function makePools(): Promise<Pools> {
    const [first, ...others] = await made(4, () => tenantWithAll(100));
    const living = [String(first), ...others];
    const removed = String((await made(1, () => tenantWithAll()))[0]);
    await admin.remove(removed);
    const tenants = [...living, ...living, removed, randomUUID()];
    const victims = [...(await made(30, () => admin.createTenant())), removed, randomUUID()];
    const messages = await ids('messages', living);
    const deadLetters = await ids('dead_letters', living);
    const cursors = (await Promise.all(living.map(cursorsOf))).flat();
    return { tenants, victims, messages, deadLetters, cursors, tokens };
  }

  async function made(count: number, make: () => Promise<string>): Promise<string[]> {
    const all: string[] = [];
    while (all.length < count) all.push(await make());
    return all;
  }

  async function ids(table: string, tenantIds: string[]): Promise<string[]> {
    const text = `SELECT id FROM ${table} WHERE tenant_id = ANY($1) ORDER BY id`;
    const rows = await database.rows<{ id: string }>(text, [tenantIds]);
    return [...rows.map(({ id }) => id), randomUUID()];
  }

  async function cursorsOf(tenantId: string): Promise<string[]> {
    const own = `/api/tenants/${tenantId}`;
    const lists = [
      '/api/tenants?limit=1',
      `${own}/messages?limit=1`,
      `${own}/messages?limit=1&order=asc`,
      `${own}/dead-letters?limit=1`,
    ];
    const pages = await Promise.all(lists.map((list) => admin.get<Page<unknown>>(list)));
    return pages.map(({ body }) => String(body.next_cursor));
  }
});

/** Why the answer must not be; undefined when it may. */
function problemWith(request: FuzzRequest, answer: FuzzAnswer): string | undefined {
  const { status, headers } = answer;
  // Node's parser gives up on the connection: the answer may be lost with a body that is under way.
  if (status === 0 && 'x-large' in request.headers) return undefined;
  if (status >= 500 || status === 0) return 'the server failed';
  if (!isAllowed(request, status)) return 'this status is not documented';
  if (status < 400) return headers['x-request-id'] ? undefined : 'there is no request id';
  return request.method === 'HEAD' || isProblem(answer) ? undefined : 'this is no problem document';
}

function isAllowed({ documented, routed, method }: FuzzRequest, status: number): boolean {
  if (documented.includes(status)) return true;
  // Another path or method may be that of another operation.
  return !routed && (BEFORE_IT.includes(status) || (status < 300 && method !== 'DELETE'));
}

function isProblem({ status, headers, body }: FuzzAnswer): boolean {
  if (!/^application\/problem\+json/.test(headers['content-type'] ?? '')) return false;
  const problem = JSON.parse(body) as ProblemBody;
  return (
    problem.status === status &&
    problem.detail.length > 0 &&
    problem.request_id === headers['x-request-id']
  );
}

function report(problem: string, request: FuzzRequest, { status, body }: FuzzAnswer): object {
  const { operation, method, headers, json, raw } = request;
  const sent =
    raw?.toString().slice(0, 200) ?? (JSON.stringify(json) as string | undefined)?.slice(0, 500);
  const path = pathOf(request).slice(0, 300);
  return { problem, operation, method, path, headers, sent, status, body: body.slice(0, 500) };
}
