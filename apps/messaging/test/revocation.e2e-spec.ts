import type { Api } from './support/api';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { expectProblem } from './support/problem';
import { Program } from './support/program';
import { TcpProxy } from './support/tcp-proxy';
import { adminToken, tenantToken, WITH_TOKENS } from './support/tokens';

/** "on every replica within 2 s" */
const ENDED_WITHIN_MS = 2_000;

/** Longer than what was heard is fresh, and than anybody waits for the database to say it again. */
const FROM_MEMORY_MS = 2_500;

interface Tenant {
  readonly id: string;
  /** Issued before whatever may end it. */
  readonly token: string;
}

describe('tokens on a replica whose database does not answer', () => {
  let database: TestDatabase;
  let line: TcpProxy;
  let admin: Api;
  let cutOff: Program;
  let others: Tenant;

  beforeAll(async () => {
    database = await TestDatabase.create();
    line = await TcpProxy.start(database.url);
    const [one, other] = [await start(database.url), await start(line.url)];
    admin = one.api.as(adminToken());
    cutOff = other;
    others = await known();
  });

  afterAll(async () => {
    await Program.killAll();
    await line.stop();
    await database.drop();
  });

  const start = (databaseUrl: string): Promise<Program> =>
    Program.start({ databaseUrl, env: { ...WITH_TOKENS, ROLES: 'api' } });

  /** A tenant that the replica knows. */
  async function known(): Promise<Tenant> {
    const id = await admin.createTenant();
    const tenant = { id, token: tenantToken(id) };
    expect(await send(tenant)).toBe(202);
    return tenant;
  }

  const send = async ({ id, token }: Tenant): Promise<number> => {
    const api = cutOff.api.as(token);
    const path = `/api/tenants/${id}/messages`;
    const answer = await api.request('POST', path, { payload: 1 });
    if (answer.status === 503)
      expect(expectProblem(answer, 503).type).toBe('urn:messaging:problem:database-unavailable');
    return answer.status;
  };

  /** When the first message that was refused was sent; that it waits for its answer lets nobody in. */
  const firstRefused = (tenant: Tenant): Promise<number> =>
    eventually(async () => {
      const sent = performance.now();
      expect(await send(tenant)).not.toBe(202);
      return sent;
    });

  /** From the first moment in which only the memory of the replica lets anybody in. */
  async function whileSilent(work: () => Promise<void>): Promise<void> {
    line.freeze();
    const began = performance.now();
    while (performance.now() - began < FROM_MEMORY_MS) expect(await send(others)).toBe(202);
    try {
      await work();
    } finally {
      line.restore();
    }
  }

  const ends: [string, (tenantId: string) => Promise<number>][] = [
    [
      'revoked',
      async (of) => (await admin.request('POST', `/api/tenants/${of}/tokens/revoke`)).status,
    ],
    ['removed', async (of) => (await admin.request('DELETE', `/api/tenants/${of}`)).status],
  ];

  it.each(ends)('end in time when they are %s, and no others', async (_, end) => {
    const tenant = await known();
    await whileSilent(async () => {
      expect(await send(tenant)).toBe(202);
      expect(await end(tenant.id)).toBe(204);
      const ended = performance.now();
      expect((await firstRefused(tenant)) - ended).toBeLessThan(ENDED_WITHIN_MS);
      expect(await send(tenant)).toBe(503);
      expect(await send(others)).toBe(202);
    });
    await eventually(async () => expect(await send(tenant)).toBe(401));
    await eventually(async () => expect(await send(others)).toBe(202));
  });
});
