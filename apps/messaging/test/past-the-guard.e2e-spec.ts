import { randomUUID } from 'node:crypto';
import type { Answer, Api, Page } from './support/api';
import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { forgetting } from './support/forgotten';
import { type Document, operationsOf } from './support/openapi-document';
import { Program } from './support/program';
import { adminToken, tenantToken, WITH_TOKENS } from './support/tokens';

interface Item {
  readonly id: string;
}

/** What is answered about a tenant's two messages and two dead letters when they are not shown. */
const NOTHING: Record<string, [status: number, body?: object]> = {
  'get /api/tenants/{tenant_id}/messages': [200, { data: [], next_cursor: null }],
  'get /api/tenants/{tenant_id}/messages/{id}': [404],
  'get /api/tenants/{tenant_id}/dead-letters': [200, { data: [], next_cursor: null }],
  'post /api/tenants/{tenant_id}/dead-letters/redrive': [202, { redriven: 0 }],
  'post /api/tenants/{tenant_id}/dead-letters/{id}/redrive': [404],
  'delete /api/tenants/{tenant_id}/dead-letters/{id}': [404],
};

/** They show and change nothing that is there. */
const SENDING = /^post \/api\/tenants\/\{tenant_id\}\/messages(\/batch)?$/;

describe('where a mistake lets a stranger past the guard', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;
  let mine: string;
  let theirs: string;

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    program = await start('guard');
    const { api } = program;
    [mine, theirs] = [await tenantWithRows(api), await tenantWithRows(api)];
  });

  afterAll(async () => {
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  const start = (...mistakes: Parameters<typeof forgetting>): Promise<Program> =>
    Program.start({
      databaseUrl: database.url,
      env: { ...WITH_TOKENS, ...forgetting(...mistakes) },
    });

  /** Two messages and two dead letters. */
  async function tenantWithRows(api: Api): Promise<string> {
    const tenantId = await api.as(adminToken()).createTenant();
    await api.as(tenantToken(tenantId)).sendBatch(tenantId, [1, 2]);
    for (const body of ['{"half":', '['])
      await broker.publish(tenantId, body, { messageId: randomUUID() });
    await eventually(async () => {
      expect(await idsOf(tenantId, 'messages')).toHaveLength(2);
      expect(await idsOf(tenantId, 'dead-letters')).toHaveLength(2);
    });
    return tenantId;
  }

  /** As their tenant sees them. */
  async function idsOf(tenantId: string, list: string): Promise<string[]> {
    const api = program.api.as(tenantToken(tenantId));
    const { status, body } = await api.get<Page<Item>>(`/api/tenants/${tenantId}/${list}`);
    expect(status).toBe(200);
    return body.data.map(({ id }) => id);
  }

  async function ask(api: Api, call: string): Promise<Answer> {
    const [method = '', path = ''] = call.split(' ');
    const list = path.includes('dead-letters') ? 'dead-letters' : 'messages';
    const [id = ''] = await idsOf(theirs, list);
    const asked = path.replace('{tenant_id}', theirs).replace('{id}', id);
    return api.request(method.toUpperCase(), asked, method === 'post' ? {} : undefined);
  }

  async function expectNothingFor(api: Api): Promise<void> {
    const before = await idsOf(theirs, 'dead-letters');
    for (const [call, [status, body = {}]] of Object.entries(NOTHING)) {
      const answer = await ask(api, call);
      expect([call, answer.status]).toEqual([call, status]);
      expect([call, answer.body]).toMatchObject([call, body]);
    }
    expect(await idsOf(theirs, 'dead-letters')).toEqual(before);
  }

  it('every operation on messages and dead letters is tried', async () => {
    const { body } = await program.api.get<Document>('/api/docs-json');
    const calls = [...operationsOf(body).keys()].filter((call) =>
      /\{tenant_id\}\/(messages|dead-letters)/.test(call),
    );
    const tried = Object.keys(NOTHING);
    expect(calls.filter((call) => !SENDING.test(call)).toSorted()).toEqual(tried.toSorted());
  });

  it('he is past it', async () => {
    const stranger = program.api.as(tenantToken(mine));
    expect(await stranger.status('/api/tenants')).toBe(200);
    expect(await stranger.status(`/api/tenants/${theirs}`)).toBe(200);
  });

  it('he sees and changes nothing that is not his', async () => {
    await expectNothingFor(program.api.as(tenantToken(mine)));
  });

  it('admins see it all the same', async () => {
    const admin = program.api.as(adminToken());
    for (const path of ['messages', 'dead-letters']) {
      const { body } = await admin.get<Page<Item>>(`/api/tenants/${theirs}/${path}`);
      expect(body.data.map(({ id }) => id)).toEqual(await idsOf(theirs, path));
    }
  });

  it('nobody sees anything when nobody looked who calls', async () => {
    const open = (await start('guard', 'authentication')).api;
    expect(await open.status('/api/tenants')).toBe(200);
    for (const api of [open, open.as(tenantToken(theirs)), open.as(adminToken())])
      await expectNothingFor(api);
  });
});
