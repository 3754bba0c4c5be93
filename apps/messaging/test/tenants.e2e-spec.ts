import type { Page, ProblemBody, TenantBody } from './support/api';
import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { hasRow, partitionTables } from './support/partitions';
import { expectProblem } from './support/problem';
import { Program } from './support/program';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Every call about one tenant, with a body that is valid. */
const CALLS: [method: string, path: string, body: unknown][] = [
  ['GET', '', undefined],
  ['DELETE', '', undefined],
  ['PUT', '/config/concurrency', { workers: 5 }],
  ['GET', '/config/concurrency', undefined],
  ['POST', '/pause', undefined],
  ['POST', '/resume', undefined],
  ['POST', '/messages', { payload: 1 }],
  ['POST', '/messages/batch', { messages: [{ payload: 1 }] }],
  ['GET', '/messages', undefined],
  ['GET', '/messages?order=asc', undefined],
  ['GET', '/messages/0192f0c1-2345-7abc-8def-0123456789ab', undefined],
];

describe('tenants', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;
  let replica: Program;

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    program = await Program.start({ databaseUrl: database.url });
    replica = await Program.start({ databaseUrl: database.url });
  });

  afterAll(async () => {
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  const create = (
    body: unknown,
    at = program,
  ): ReturnType<typeof program.api.request<TenantBody>> =>
    at.api.request<TenantBody>('POST', '/api/tenants', body);

  it('are created with all that was asked for, and a place to find them', async () => {
    const { status, headers, body } = await create({ name: 'Grüße 👋', workers: 7 });
    expect(status).toBe(201);
    expect(body).toEqual({
      tenant_id: expect.stringMatching(UUID_V7) as unknown,
      name: 'Grüße 👋',
      status: 'active',
      workers: 7,
      rate_limit: null,
      max_backlog: null,
      created_at: expect.stringMatching(TIME) as unknown,
      updated_at: expect.stringMatching(TIME) as unknown,
    });
    const location = String(headers.get('location'));
    expect(location).toBe(`/api/tenants/${body.tenant_id}`);
    const found = await eventually(async () => {
      const { body: tenant } = await replica.api.get<TenantBody>(location);
      expect(tenant.consumer).toMatchObject({ state: 'running', workers_applied: 7 });
      return tenant;
    });
    const queue = { name: `tenant_${body.tenant_id}_queue`, ready: 0 };
    expect(found).toEqual({ ...body, consumer: found.consumer, queue });
    expect((await broker.queue(body.tenant_id))?.consumers).toBe(1);
  });

  it('have three workers unless they name a number', async () => {
    expect((await create({ name: 'of few words' })).body.workers).toBe(3);
  });

  it('are found under their id in any case of letters', async () => {
    const tenantId = await program.api.createTenant();
    const { status, body } = await program.api.get<TenantBody>(
      `/api/tenants/${tenantId.toUpperCase()}`,
    );
    expect([status, body.tenant_id]).toEqual([200, tenantId]);
  });

  it('have a name of their own, as long as they live', async () => {
    const attempts = await Promise.all([
      create({ name: 'wanted by two' }),
      create({ name: 'wanted by two' }, replica),
    ]);
    expect(attempts.map(({ status }) => status).sort()).toEqual([201, 409]);
    const refused = attempts.find(({ status }) => status === 409);
    if (refused) expectProblem(refused, 409);
    const created = attempts.find(({ status }) => status === 201);
    await program.api.remove(String(created?.body.tenant_id));
    expect((await create({ name: 'wanted by two' }, replica)).status).toBe(201);
  });

  it('are created a hundred at once, each with a queue at once', async () => {
    const names = Array.from({ length: 100 }, (_, n) => `one of many ${n}`);
    const ids = await Promise.all(
      names.map(async (name, n) => {
        const at = n % 2 ? program : replica;
        const { status, body } = await create({ name }, at);
        expect(status).toBe(201);
        await at.api.send(body.tenant_id, name);
        return body.tenant_id;
      }),
    );
    expect(new Set(ids).size).toBe(100);
    await eventually(async () => {
      const [row] = await database.rows<{ stored: number }>(
        'SELECT count(DISTINCT tenant_id)::int AS stored FROM messages WHERE tenant_id = ANY($1)',
        [ids],
      );
      expect(row?.stored).toBe(100);
    });
  });

  it('are listed in the order of their creation, page by page, each once', async () => {
    const rows = await database.rows<{ tenant_id: string }>(
      'SELECT tenant_id FROM tenants WHERE removed_at IS NULL ORDER BY tenant_id',
    );
    expect(rows.length).toBeGreaterThan(100);
    const pages: TenantBody[][] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = cursor ? `&cursor=${cursor}` : '';
      const path = `/api/tenants?limit=40${query}`;
      const { status, body } = await program.api.get<Page<TenantBody>>(path);
      expect(status).toBe(200);
      pages.push(body.data);
      cursor = body.next_cursor;
    }
    expect(pages.slice(0, -1).map(({ length }) => length)).toEqual([40, 40]);
    expect(pages.flat().map(({ tenant_id }) => tenant_id)).toEqual(
      rows.map(({ tenant_id }) => tenant_id),
    );
    const whole = await program.api.get<Page<TenantBody>>(`/api/tenants?limit=200`);
    expect(whole.body).toEqual({ data: pages.flat(), next_cursor: null });
    expect((await program.api.get<Page<TenantBody>>('/api/tenants')).body.data).toHaveLength(50);
  });

  describe('that were removed', () => {
    let tenantId: string;

    beforeAll(async () => {
      tenantId = await program.api.createTenant();
      await program.api.sendBatch(tenantId, ['stored', 'stored']);
      await eventually(async () => expect(await database.stored(tenantId)).toBe(2));
      for (const [method, path, body] of CALLS.filter(([method]) => method !== 'DELETE')) {
        const { status } = await replica.api.request(
          method,
          `/api/tenants/${tenantId}${path}`,
          body,
        );
        expect([200, 202, 404]).toContain(status);
        if (!path.startsWith('/messages/0')) expect(status).not.toBe(404);
      }
      const { status, body } = await program.api.request('DELETE', `/api/tenants/${tenantId}`);
      expect([status, body]).toEqual([204, '']);
    });

    it.each(CALLS)('do not exist for %s …%s, on any replica', async (method, path, body) => {
      for (const { api } of [program, replica]) {
        const answer = await api.request<ProblemBody>(
          method,
          `/api/tenants/${tenantId}${path}`,
          body,
        );
        expect(expectProblem(answer, 404).detail).toContain(tenantId);
      }
    });

    it('are in no list', async () => {
      const { body } = await replica.api.get<Page<TenantBody>>('/api/tenants?limit=200');
      expect(body.data.map(({ tenant_id }) => tenant_id)).not.toContain(tenantId);
    });

    /** Its owner gives it up when the consumer has stopped, which the removal does not wait for. */
    const leases = (): Promise<unknown[]> =>
      database.rows('SELECT FROM tenant_leases WHERE tenant_id = $1', [tenantId]);

    it('leave no queue, no partition, no lease and no row', async () => {
      await eventually(async () => {
        expect(await broker.queue(tenantId)).toBeUndefined();
        expect(await partitionTables(database, tenantId)).toEqual([]);
        expect(await hasRow(database, tenantId)).toBe(false);
        expect(await leases()).toEqual([]);
      });
      expect(await database.stored(tenantId)).toBe(0);
    });
  });
});
