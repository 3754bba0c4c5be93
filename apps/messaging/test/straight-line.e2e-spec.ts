import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { Program } from './support/program';

describe('a message', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    program = await Program.start({ databaseUrl: database.url });
  });

  afterAll(async () => {
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  it('goes all the way, from the call that accepts it to the one that reads it', async () => {
    const { api } = program;
    const tenantId = await api.createTenant();
    const payload = { text: 'Grüße 👋', list: [1, 2.5, null, true], nested: { __proto__: 1 } };
    const id = await api.send(tenantId, payload, 'greeting');

    const path = `/api/tenants/${tenantId}/messages/${id}`;
    const { body } = await eventually(async () => {
      const answer = await api.get<Record<string, unknown>>(path);
      expect(answer.status).toBe(200);
      return answer;
    });
    expect(body).toEqual({
      id,
      tenant_id: tenantId,
      type: 'greeting',
      payload,
      accepted_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      stored_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
    });
    expect((await api.messages(tenantId)).data).toEqual([body]);
  });

  it('keeps a type of any hundred characters, beyond what a property of AMQP holds', async () => {
    const { api } = program;
    const tenantId = await api.createTenant();
    const type = '👋'.repeat(100);
    const ids = [await api.send(tenantId, 1, type), await api.send(tenantId, 2, 'after it')];

    const { data } = await eventually(async () => {
      const page = await api.messages(tenantId, '?order=asc');
      expect(page.data).toHaveLength(2);
      return page;
    });
    expect(data).toContainEqual(expect.objectContaining({ id: ids[0], type }));
    expect(data).toContainEqual(expect.objectContaining({ id: ids[1], type: 'after it' }));
  });

  it('comes from a service that speaks AMQP just as well', async () => {
    const { api } = program;
    const tenantId = await api.createTenant();
    const messageId = '0192f0c1-2345-4abc-8def-0123456789ab';
    await broker.publish(tenantId, '{"from": "amqp"}', { messageId, type: 'note' });
    await broker.publish(tenantId, '"without an id"');

    const { data } = await eventually(async () => {
      const page = await api.messages(tenantId, '?order=asc');
      expect(page.data).toHaveLength(2);
      return page;
    });
    expect(data).toContainEqual(
      expect.objectContaining({ id: messageId, type: 'note', payload: { from: 'amqp' } }),
    );
    expect(data).toContainEqual(expect.objectContaining({ type: null, payload: 'without an id' }));
  });

  it('keeps every digit of its numbers', async () => {
    const { api } = program;
    const tenantId = await api.createTenant();
    const numbers = '[12345678901234567890, 0.1234567890123456789, 1.50, 1e3]';
    const { status } = await api.request(
      'POST',
      `/api/tenants/${tenantId}/messages`,
      `{"payload":${numbers}}`,
    );
    expect(status).toBe(202);
    await eventually(async () => expect(await database.stored(tenantId)).toBe(1));

    const response = await fetch(`${api.url}/api/tenants/${tenantId}/messages`);
    expect(await response.text()).toContain(
      '[12345678901234567890, 0.1234567890123456789, 1.50, 1000]',
    );
  });

  it('begins with its tenant, when the tenant brings it along', async () => {
    const { api } = program;
    const { status, headers, body } = await api.request<{
      tenant_id: string;
      message: { id: string };
    }>('POST', '/api/tenants', { name: 'brings one', message: { payload: null, type: 'first' } });
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/api/tenants/${body.tenant_id}`);

    const stored = await eventually(async () => {
      const page = await api.messages(body.tenant_id);
      expect(page.data).toHaveLength(1);
      return page.data[0];
    });
    expect(stored).toMatchObject({ id: body.message.id, payload: null, type: 'first' });
  });
});
