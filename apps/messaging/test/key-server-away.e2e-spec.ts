import type { ServerResponse } from 'node:http';
import type { Api } from './support/api';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { TestKeyServer } from './support/key-server';
import { expectProblem } from './support/problem';
import { Program } from './support/program';
import { adminToken, expectStranger, SigningKey, WITH_TOKENS } from './support/tokens';

const json =
  (body: unknown, status = 200) =>
  (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };

const key = SigningKey.make('ES256');

/** What a server that is there may say in place of its keys, and what those who ask hear then. */
const ANSWERS: [string, (response: ServerResponse) => unknown, status: 401 | 503][] = [
  ['an error', json({ keys: [key.jwk] }, 500), 503],
  ['nowhere', json({}, 404), 503],
  ['that it moved', (response) => response.writeHead(302, { location: '/keys' }).end(), 503],
  ['no JSON', (response) => response.end('<html>'), 503],
  ['half of its JSON', (response) => response.end('{"keys":['), 503],
  ['nothing', (response) => response.end(), 503],
  ['something else', json({ error: 'no' }), 503],
  ['keys that are none', json({ keys: [1, null] }), 503],
  ['a key that lacks its half', json({ keys: [{ ...key.jwk, y: undefined }] }), 503],
  ['no word', () => undefined, 503],
  [
    'half an answer',
    (response) => response.writeHead(200, { 'content-length': 9 }).write('{'),
    503,
  ],
  ['that it is gone', (response) => response.destroy(), 503],
  ['no keys', json({ keys: [] }), 401],
  ['keys of others', json({ keys: [SigningKey.make('ES256').jwk] }), 401],
];

describe('a key server that was never there', () => {
  let database: TestDatabase;
  let keys: TestKeyServer;
  let program: Program;
  let api: Api;

  beforeAll(async () => {
    database = await TestDatabase.create();
    keys = await TestKeyServer.start(key);
    await keys.stop();
    const env = { ...WITH_TOKENS, JWT_JWKS_URL: keys.url, ROLES: 'api' };
    program = await Program.start({ databaseUrl: database.url, env });
    api = program.api.as(key.admin());
  });

  afterAll(async () => {
    await Program.killAll();
    await keys.stop();
    await database.drop();
  });

  async function expectNoAnswer(): Promise<void> {
    const answer = await api.get('/api/tenants');
    const problem = expectProblem(answer, 503);
    expect(problem.type).toBe('urn:messaging:problem:key-server-unavailable');
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
  }

  const expectUnknown = (): Promise<unknown> =>
    expectStranger(program.api, 'GET', '/api/tenants', `Bearer ${key.admin()}`);

  it('keeps nobody out but those whose keys it has, and says so', async () => {
    await expectNoAnswer();
    expect(await program.api.status('/health/ready')).toBe(200);
    expect(await program.api.as(adminToken()).status('/api/tenants')).toBe(200);
    await expectStranger(program.api, 'GET', '/api/tenants', undefined);
    await eventually(() => expect(program.output).toMatch(/key server gives no key.*ECONNREFUSED/));
  });

  it.each(ANSWERS)('lets nobody in by saying %s', async (_, instead, status) => {
    keys.instead = instead;
    if (keys.isDown) await keys.start();
    const { asked } = keys;
    // It is asked every 2 s; what is answered from then on is what came of that.
    await eventually(async () => {
      await api.status('/api/tenants');
      expect(keys.asked).toBeGreaterThan(asked);
    });
    await (status === 503 ? expectNoAnswer() : expectUnknown());
    expect(await program.api.as(adminToken()).status('/api/tenants')).toBe(200);
  });

  it('lets in by itself whom it knows once it is there', async () => {
    keys.instead = undefined;
    await eventually(async () => expect(await api.status('/api/tenants')).toBe(200));
    await keys.stop();
    expect(await api.status('/api/tenants')).toBe(200);
  });
});
