import { randomUUID } from 'node:crypto';
import type { Answer, Api, ProblemBody } from './support/api';
import { TestDatabase } from './support/database';
import { type Document, type Operation, operationsOf } from './support/openapi-document';
import { expectProblem } from './support/problem';
import { Program } from './support/program';
import { adminToken, expectStranger, tenantToken, WITH_TOKENS, worthless } from './support/tokens';

/** What the contract gives to a tenant. Whatever else is served below `/api` is an admin's. */
const A_TENANTS = [
  'get /api/tenants/{tenant_id}',
  'get /api/tenants/{tenant_id}/config/concurrency',
  'post /api/tenants/{tenant_id}/messages',
  'post /api/tenants/{tenant_id}/messages/batch',
  'get /api/tenants/{tenant_id}/messages',
  'get /api/tenants/{tenant_id}/messages/{id}',
  'get /api/tenants/{tenant_id}/dead-letters',
  'post /api/tenants/{tenant_id}/dead-letters/redrive',
  'post /api/tenants/{tenant_id}/dead-letters/{id}/redrive',
  'delete /api/tenants/{tenant_id}/dead-letters/{id}',
];

const OPEN = /^get \/(health\/(live|ready|startup)|metrics)$/;

/** Open, unless it is given a token of its own, which is none of these. */
const METRICS = 'get /metrics';

describe('every operation that is documented', () => {
  let database: TestDatabase;
  let program: Program;
  let admin: Api;
  let operations: [call: string, operation: Operation][];
  let tenantId: string;
  let removed: string;
  let revoked: string;

  beforeAll(async () => {
    database = await TestDatabase.create();
    program = await Program.start({ databaseUrl: database.url, env: WITH_TOKENS });
    admin = program.api.as(adminToken());
    const { body } = await program.api.get<Document>('/api/docs-json');
    operations = [...operationsOf(body)];
    tenantId = await admin.createTenant();
    [removed, revoked] = await withoutStanding();
  });

  afterAll(async () => {
    await Program.killAll();
    await database.drop();
  });

  /** The tokens of a tenant that is removed, and of one whose tokens were revoked. */
  async function withoutStanding(): Promise<[string, string]> {
    const gone = await admin.createTenant();
    const ended = tenantToken(tenantId);
    await admin.remove(gone);
    const { status } = await admin.request('POST', `/api/tenants/${tenantId}/tokens/revoke`);
    expect(status).toBe(204);
    return [tenantToken(gone), ended];
  }

  /** One that was issued after the revocation. */
  const own = (of = tenantId): string =>
    tenantToken(of, { iat: Math.floor(Date.now() / 1000) + 5 });

  const guarded = (): string[] =>
    operations.map(([call]) => call).filter((call) => !OPEN.test(call));
  const isOfTenant = (call: string): boolean => call.includes('{tenant_id}');

  /** Asks as little as an operation allows: whether one is let in is decided before anything else. */
  async function ask(api: Api, call: string, of: string): Promise<Answer<ProblemBody>> {
    const [method, path] = requestFor(call, of);
    const body = method === 'GET' || method === 'DELETE' ? undefined : {};
    return api.request(method, path, body);
  }

  it('is of a known kind, and says so in the document', () => {
    expect(guarded().length).toBeGreaterThan(15);
    expect(guarded()).toEqual(expect.arrayContaining(A_TENANTS));
    for (const [call, { security, responses }] of operations) {
      const isOpen = OPEN.test(call);
      expect([call, security]).toEqual([call, isOpen ? undefined : [{ bearer: [] }]]);
      expect([call, '401' in responses]).toEqual([call, !isOpen || call === METRICS]);
      const isAdmins = !isOpen && !A_TENANTS.includes(call);
      expect([call, '403' in responses]).toEqual([call, isAdmins]);
    }
  });

  it('is open to everybody, or to nobody without a token that holds', async () => {
    const tokens = {
      ...worthless(tenantId),
      'a removed tenant': `Bearer ${removed}`,
      'a revoked one': `Bearer ${revoked}`,
    };
    for (const call of guarded())
      for (const [name, authorization] of Object.entries(tokens)) {
        const [method, path] = requestFor(call, tenantId);
        const problem = await expectStranger(program.api, method, path, authorization).catch(
          (error: unknown) => {
            throw new Error(`${call} with ${name}: ${String(error)}`);
          },
        );
        expect(problem.detail).not.toContain(tenantId);
      }
    for (const [call] of operations.filter(([name]) => OPEN.test(name))) {
      const { status } = await ask(program.api, call, tenantId);
      expect([call, status]).toEqual([call, 200]);
    }
  });

  it('hides every other tenant as if it did not exist', async () => {
    const [other, nobody] = [await admin.createTenant(), randomUUID()];
    const api = program.api.as(own());
    for (const call of guarded().filter(isOfTenant)) {
      const answers = await Promise.all([other, nobody].map((of) => ask(api, call, of)));
      const told = answers.map((answer, index) => {
        const problem = { ...expectProblem(answer, 404), request_id: '' };
        return JSON.stringify(problem).replaceAll(String([other, nobody][index]), 'IT');
      });
      expect([call, told[0]]).toEqual([call, told[1]]);
      expect(told[0]).toContain('urn:messaging:problem:tenant-not-found');
    }
    // It is there, whatever was tried on it.
    expect(await admin.tenant(other)).toMatchObject({ status: 'active', workers: 3 });
  });

  it("is refused to a tenant when it is an admin's", async () => {
    const api = program.api.as(own());
    for (const call of guarded().filter((name) => !A_TENANTS.includes(name))) {
      const answer = await ask(api, call, tenantId);
      expect([call, answer.status]).toEqual([call, 403]);
      expect(expectProblem(answer, 403).type).toBe('urn:messaging:problem:forbidden');
      expect(answer.headers.get('www-authenticate')).toContain('insufficient_scope');
    }
    expect(await admin.tenant(tenantId)).toMatchObject({ status: 'active', workers: 3 });
  });

  it('lets in the tenant that it is for, in whatever case its id is written', async () => {
    const api = program.api.as(own());
    for (const call of A_TENANTS)
      for (const id of [tenantId, tenantId.toUpperCase()]) {
        const { status, body } = await ask(api, call, id);
        expect([call, [401, 403].includes(status)]).toEqual([call, false]);
        expect([call, body.type]).not.toEqual([call, 'urn:messaging:problem:tenant-not-found']);
      }
  });

  it('lets in an admin, whatever it is', async () => {
    for (const call of guarded()) {
      const { status, body } = await ask(admin, call, await admin.createTenant());
      expect([call, [401, 403, 500].includes(status)]).toEqual([call, false]);
      expect([call, JSON.stringify(body)]).not.toEqual([
        call,
        expect.stringContaining('tenant-not-found'),
      ]);
    }
  });

  it('names a tenant id that is none, whoever asks', async () => {
    for (const call of guarded().filter(isOfTenant)) {
      // An admin may be told first what is wrong with the body.
      expectProblem(await ask(admin, call, 'not-a-uuid'), 400);
      const problem = expectProblem(await ask(program.api.as(own()), call, 'not-a-uuid'), 400);
      expect(problem.errors).toEqual([{ field: 'tenant_id', message: 'must be a UUID' }]);
    }
  });
});

function requestFor(call: string, tenantId: string): [method: string, path: string] {
  const [method = '', path = ''] = call.split(' ');
  const id = '019aa0e5-1c2d-7a3b-8c4d-5e6f7a8b9c0d';
  return [method.toUpperCase(), path.replace('{tenant_id}', tenantId).replace('{id}', id)];
}
