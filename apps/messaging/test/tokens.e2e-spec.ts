import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Answer, Api } from './support/api';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { TestKeyServer } from './support/key-server';
import { expectProblem, fieldsOf } from './support/problem';
import { Program } from './support/program';
import { head, RawClient } from './support/raw-client';
import { TcpProxy } from './support/tcp-proxy';
import {
  adminToken,
  AUDIENCE,
  expectStranger,
  hs256,
  nowInSeconds,
  SECRET,
  SigningKey,
  tenantToken,
  unsigned,
  WITH_TOKENS,
} from './support/tokens';

/** "on every replica within 2 s" */
const ENDED_WITHIN_MS = 2_000;

const MAKE_TOKEN = resolve(__dirname, '../../../dist/apps/messaging/src/auth/make-token.js');

interface Issued {
  token: string;
  token_type: string;
  expires_at: string;
}

describe('tokens', () => {
  let database: TestDatabase;
  let replicas: [Program, Program];
  let admin: Api;

  beforeAll(async () => {
    database = await TestDatabase.create();
    const first = await start();
    replicas = [first, await start({ ROLES: 'api' })];
    admin = first.api.as(adminToken());
  });

  afterAll(async () => {
    await Program.killAll();
    await database.drop();
  });

  const start = (env: Record<string, string> = {}, databaseUrl = database.url): Promise<Program> =>
    Program.start({ databaseUrl, env: { ...WITH_TOKENS, ...env } });

  const issue = (tenantId: string, body?: unknown): Promise<Answer<Issued>> =>
    admin.request('POST', `/api/tenants/${tenantId}/tokens`, body);

  async function issued(tenantId: string): Promise<string> {
    const { status, body } = await issue(tenantId);
    expect(status).toBe(201);
    return body.token;
  }

  const revoke = async (tenantId: string): Promise<void> => {
    const { status } = await admin.request('POST', `/api/tenants/${tenantId}/tokens/revoke`);
    expect(status).toBe(204);
  };

  /** What each replica says to a token now; what it heard before is fresh in its memory. */
  const statuses = (tenantId: string, token: string): Promise<number[]> =>
    Promise.all(replicas.map(({ api }) => api.as(token).status(`/api/tenants/${tenantId}`)));

  async function expectEndOn(tenantId: string, token: string, end: () => Promise<void>) {
    expect(await statuses(tenantId, token)).toEqual([200, 200]);
    await end();
    const ended = performance.now();
    await eventually(async () => expect(await statuses(tenantId, token)).toEqual([401, 401]));
    expect(performance.now() - ended).toBeLessThan(ENDED_WITHIN_MS);
  }

  it('are issued to tenants, and open what is theirs', async () => {
    const tenantId = await admin.createTenant();
    const before = nowInSeconds();
    const answer = await issue(tenantId, { expires_in: 60 });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body.token_type).toBe('Bearer');
    const expiresIn = Date.parse(answer.body.expires_at) / 1000 - before;
    expect(expiresIn).toBeGreaterThanOrEqual(60);
    expect(expiresIn).toBeLessThan(65);
    const tenant = replicas[1].api.as(answer.body.token);
    const id = await tenant.send(tenantId, 'mine');
    await eventually(async () => {
      const { data } = await tenant.messages(tenantId);
      expect(data.map((message) => message.id)).toEqual([id]);
    });
  });

  it('end when they say so', async () => {
    const tenantId = await admin.createTenant();
    const { body } = await issue(tenantId, { expires_in: 2 });
    const { api } = replicas[0];
    expect(await api.as(body.token).status(`/api/tenants/${tenantId}`)).toBe(200);
    await delay(Date.parse(body.expires_at) - Date.now());
    await expectStranger(api, 'GET', `/api/tenants/${tenantId}`, `Bearer ${body.token}`);
  });

  it.each([0, -1, 1.5, '60', null, 31_536_001])('are not issued for %j seconds', async (value) => {
    const answer = await issue(await admin.createTenant(), { expires_in: value });
    expect(fieldsOf(expectProblem(answer, 400))).toEqual(['expires_in']);
  });

  it('are neither issued to nor revoked of a tenant that is not there', async () => {
    const tenantId = await admin.createTenant();
    await admin.remove(tenantId);
    expectProblem(await issue(tenantId), 404);
    expectProblem(await admin.request('POST', `/api/tenants/${tenantId}/tokens/revoke`), 404);
  });

  it('end on every replica when they are revoked, and new ones hold at once', async () => {
    const [tenantId, other] = [await admin.createTenant(), await admin.createTenant()];
    const [token, others] = [await issued(tenantId), await issued(other)];
    await expectEndOn(tenantId, token, () => revoke(tenantId));
    expect(await statuses(tenantId, await issued(tenantId))).toEqual([200, 200]);
    expect(await statuses(other, others)).toEqual([200, 200]);
  });

  it('end with a revocation in the second of their issue, and those after it do not', async () => {
    const tenantId = await admin.createTenant();
    for (let round = 0; round < 3; round++) {
      const before = await issued(tenantId);
      await revoke(tenantId);
      const after = await issued(tenantId);
      // The replica that revoked knows it already; the other one will.
      const { api } = replicas[0];
      expect(await api.as(before).status(`/api/tenants/${tenantId}`)).toBe(401);
      expect(await api.as(after).status(`/api/tenants/${tenantId}`)).toBe(200);
      await eventually(async () => expect(await statuses(tenantId, before)).toEqual([401, 401]));
      expect(await statuses(tenantId, after)).toEqual([200, 200]);
    }
  });

  it('that do not say when they were issued end with the first revocation', async () => {
    const tenantId = await admin.createTenant();
    const token = tenantToken(tenantId, { iat: undefined });
    await expectEndOn(tenantId, token, () => revoke(tenantId));
  });

  it('end on every replica with their tenant', async () => {
    const tenantId = await admin.createTenant();
    await expectEndOn(tenantId, await issued(tenantId), () => admin.remove(tenantId));
  });

  it('go on holding for known tenants while the database is away', async () => {
    const proxy = await TcpProxy.start(database.url);
    const program = await start({}, proxy.url);
    const [tenantId, stranger] = [await admin.createTenant(), await admin.createTenant()];
    const api = program.api.as(await issued(tenantId));
    await api.send(tenantId, 'before');
    proxy.cut();
    // Longer than what was heard is fresh: from here on, every answer is from memory.
    await delay(1_500);
    for (let sent = 0; sent < 20; sent++) await api.send(tenantId, 'meanwhile');
    const unknown = await program.api
      .as(await issued(stranger))
      .request('POST', `/api/tenants/${stranger}/messages`, { payload: 1 });
    expect(expectProblem(unknown, 503).type).toBe('urn:messaging:problem:database-unavailable');
    proxy.restore();
    await eventually(async () => {
      const headers = { authorization: `Bearer ${tenantToken(stranger)}` };
      const path = `/api/tenants/${stranger}/messages`;
      const { status } = await program.api.request('POST', path, { payload: 1 }, headers);
      expect(status).toBe(202);
    });
    await revoke(tenantId);
    await eventually(async () => expect(await api.status(`/api/tenants/${tenantId}`)).toBe(401));
    await program.kill();
    await proxy.stop();
  });

  it('cost no query for every message', async () => {
    const tenantId = await admin.createTenant();
    const api = replicas[1].api.as(await issued(tenantId));
    const locked = await database.connect();
    await api.send(tenantId, 'known from here on');
    // Whoever asks about tenants now waits for this transaction; known ones are let in meanwhile.
    await locked.query('BEGIN; LOCK TABLE tenants IN ACCESS EXCLUSIVE MODE');
    await Promise.all(Array.from({ length: 100 }, (_, n) => api.send(tenantId, n)));
    await locked.query('ROLLBACK');
    await locked.end();
  });

  it('refuse a stranger before his body is read', async () => {
    const { api } = replicas[0];
    const path = `/api/tenants/${await admin.createTenant()}/messages`;
    expectProblem(await api.request('POST', path, '{"not JSON'), 401);
    expectProblem(await api.request('POST', path, 'x', { 'content-type': 'text/plain' }), 401);
    const huge = JSON.stringify({ payload: 'x'.repeat(1_000_000) });
    expectProblem(await api.request('POST', path, huge), 401);
    // However the path is written: what is no JSON would get 400.
    for (const same of [path, `${path}/batch`].map((known) => known.replace('/api', '/%61pi')))
      expectProblem(await api.request('POST', same, '{"not JSON'), 401, same);
    const client = await RawClient.connect(replicas[0].port);
    await client.write(`${head(api.url + path, 'content-length: 5')}{"not`);
    expectProblem(await client.answer(), 401, api.url + path);
  });

  it('are looked for under whatever name of the path', async () => {
    for (const path of ['/%61pi/tenants', '/api/%74enants', '//api/tenants', '/api/tenants/'])
      expect([401, 404]).toContain(await replicas[0].api.status(path));
  });

  it('let Swagger UI remember them', async () => {
    const script = await (await fetch(`${replicas[0].api.url}/api/docs/swagger-ui-init.js`)).text();
    expect(script).toMatch(/"persistAuthorization": true/);
    expect(script).toMatch(/"securitySchemes"/);
  });

  describe('of a key server', () => {
    const [first, second] = [SigningKey.make('RS256'), SigningKey.make('ES256')];
    let keys: TestKeyServer;
    let api: Api;

    beforeAll(async () => {
      keys = await TestKeyServer.start(first);
      const env = { JWT_JWKS_URL: keys.url, JWT_SECRET: '' };
      api = (await start(env)).api;
    });

    afterAll(() => keys.stop());

    const ask = (token: string): Promise<number> => api.as(token).status('/api/tenants');

    it.each(['RS256', 'ES256', 'EdDSA'] as const)('may be signed with %s', async (alg) => {
      const key = SigningKey.make(alg);
      keys.keys = [first, key];
      await eventually(async () => expect(await ask(key.admin())).toBe(200));
      expect(await ask(key.admin({ exp: nowInSeconds() - 1 }))).toBe(401);
      expect(await ask(key.admin({ aud: 'others' }))).toBe(401);
    });

    it('are refused when they only pretend to be signed', async () => {
      keys.keys = [first];
      expect(await ask(first.admin())).toBe(200);
      const claims = { scope: 'admin', exp: nowInSeconds() + 60, aud: AUDIENCE };
      const pem = first.publicKey.export({ type: 'spki', format: 'pem' });
      for (const token of [
        unsigned(claims, 'none'),
        // The public key, taken for a secret.
        hs256(claims, pem),
        hs256(claims, JSON.stringify(first.jwk)),
        hs256(claims, SECRET),
        SigningKey.make('RS256', first.kid).admin(),
        SigningKey.make('ES256', first.kid).admin(),
      ])
        expect(await ask(token)).toBe(401);
    });

    it('hold when keys are rotated, and with a withdrawn key no more', async () => {
      keys.keys = [first];
      await eventually(async () => expect(await ask(first.admin())).toBe(200));
      keys.keys = [second];
      await eventually(async () => expect(await ask(second.admin())).toBe(200));
      expect(await ask(first.admin())).toBe(401);
    });

    it('hold while it is down, and unknown keys are looked up when it is back', async () => {
      keys.keys = [second];
      await eventually(async () => expect(await ask(second.admin())).toBe(200));
      await keys.stop();
      const unknown = SigningKey.make('EdDSA');
      const refused = async (): Promise<void> => {
        const answer = await api.as(unknown.admin()).get('/api/tenants');
        expect(expectProblem(answer, 503).type).toMatch(/key-server-unavailable$/);
        expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      };
      await eventually(refused);
      for (let n = 0; n < 20; n++) expect(await ask(second.admin())).toBe(200);
      keys.keys = [second, unknown];
      await keys.start();
      await eventually(async () => expect(await ask(unknown.admin())).toBe(200));
    });

    it('do not have it asked for every stranger', async () => {
      const before = keys.asked;
      const began = performance.now();
      for (let n = 0; n < 50; n++)
        expect([401, 503]).toContain(await ask(SigningKey.make('EdDSA').admin()));
      const seconds = (performance.now() - began) / 1000;
      expect(keys.asked - before).toBeLessThanOrEqual(1 + seconds);
    });

    it('are not issued here', async () => {
      const as = api.as(second.admin());
      const tenantId = await as.createTenant();
      const answer = await as.request('POST', `/api/tenants/${tenantId}/tokens`);
      expect(expectProblem(answer, 501).type).toBe('urn:messaging:problem:tokens-not-issued');
    });
  });

  describe('from the command line', () => {
    const make = (args: string[], env: Record<string, string> = WITH_TOKENS) =>
      promisify(execFile)(process.execPath, [MAKE_TOKEN, ...args], { env });

    it('let in the first admin, and a tenant', async () => {
      const first = (await make(['--admin'])).stdout.trim();
      const tenantId = await replicas[0].api.as(first).createTenant();
      const { stdout } = await make(['--tenant', tenantId.toUpperCase(), '--expires-in', '60']);
      expect(await statuses(tenantId, stdout.trim())).toEqual([200, 200]);
    });

    it.each([
      [[]],
      [['--admin', '--tenant', '019aa0e4-5b7c-7c1e-9f43-0d2c5a7b9e10']],
      [['--tenant', 'acme']],
      [['--admin', '--expires-in', '1e9']],
      [['--admin', '--for-ever']],
    ])('are refused for %j with a reason and no secret', async (args) => {
      const error = await make(args).then(
        () => undefined,
        (failed: unknown) => failed as { code: number; stderr: string; stdout: string },
      );
      expect(error).toMatchObject({ code: 1, stdout: '' });
      expect(error?.stderr).toMatch(/usage: npm run token/);
      expect(error?.stderr).not.toContain(SECRET);
    });

    it('need a secret of 32 bytes', async () => {
      const failed = make(['--admin'], { JWT_SECRET: 'short' });
      await expect(failed).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/JWT_SECRET: must be at least 32 bytes/) as unknown,
      });
    });
  });
});
