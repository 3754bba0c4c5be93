import { eventually } from './eventually';

export interface Answer<Body = unknown> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

export interface TenantBody {
  tenant_id: string;
  name: string;
  status: string;
  workers: number;
  rate_limit: number | null;
  max_backlog: number | null;
  created_at: string;
  updated_at: string;
  consumer: { state: string; workers_applied: number; owner: string | null };
  queue: { name: string; ready: number | null };
  message?: { id: string };
}

export interface MessageBody {
  id: string;
  tenant_id: string;
  type: string | null;
  payload: unknown;
  accepted_at: string;
  stored_at: string;
}

export interface Page<Item> {
  data: Item[];
  next_cursor: string | null;
}

export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  request_id: string;
  errors?: { field: string; message: string }[];
  checks?: Record<string, { status: string; reason?: string }>;
}

let named = 0;

/** The HTTP API, as a caller uses it. */
export class Api {
  constructor(
    readonly url: string,
    private readonly headers: Readonly<Record<string, string>> = {},
  ) {}

  /** The same API for somebody with a token. */
  as(token: string): Api {
    return new Api(this.url, { authorization: `Bearer ${token}` });
  }

  /** Any request; a body that is no string is sent as JSON. */
  async request<Body>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...this.headers,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = /json/.test(response.headers.get('content-type') ?? '');
    const parsed = (json ? JSON.parse(text) : text) as Body;
    return { status: response.status, headers: response.headers, body: parsed };
  }

  get<Body>(path: string): Promise<Answer<Body>> {
    return this.request('GET', path);
  }

  /** The status alone; 0 when nobody answers. */
  async status(path: string): Promise<number> {
    return this.get(path).then(
      ({ status }) => status,
      () => 0,
    );
  }

  /** Creates a tenant with a name of its own. */
  async createTenant(workers = 3, name = `tenant-${process.pid}-${++named}`): Promise<string> {
    const { status, body } = await this.request<TenantBody>('POST', '/api/tenants', {
      name,
      workers,
    });
    expect(status).toBe(201);
    return body.tenant_id;
  }

  async tenant(tenantId: string): Promise<TenantBody> {
    const { status, body } = await this.get<TenantBody>(`/api/tenants/${tenantId}`);
    expect(status).toBe(200);
    return body;
  }

  /** Sends a message and returns its id; anything but a 202 fails the test. */
  async send(tenantId: string, payload: unknown, type?: string): Promise<string> {
    const { status, body } = await this.request<{ id: string }>(
      'POST',
      `/api/tenants/${tenantId}/messages`,
      { payload, ...(type !== undefined && { type }) },
    );
    expect(status).toBe(202);
    return body.id;
  }

  /** Sends many messages and returns their ids. */
  async sendBatch(tenantId: string, payloads: readonly unknown[]): Promise<string[]> {
    const { status, body } = await this.request<{ data: { id: string }[] }>(
      'POST',
      `/api/tenants/${tenantId}/messages/batch`,
      { messages: payloads.map((payload) => ({ payload })) },
    );
    expect(status).toBe(202);
    return body.data.map(({ id }) => id);
  }

  async messages(tenantId: string, query = ''): Promise<Page<MessageBody>> {
    const path = `/api/tenants/${tenantId}/messages${query}`;
    const { status, body } = await this.get<Page<MessageBody>>(path);
    expect(status).toBe(200);
    return body;
  }

  /** All stored messages, by following `order=asc` until a page is empty. */
  async allMessages(tenantId: string): Promise<MessageBody[]> {
    const all: MessageBody[] = [];
    let cursor = '';
    for (;;) {
      const page = await this.messages(tenantId, `?order=asc&limit=200${cursor}`);
      if (page.data.length === 0) return all;
      all.push(...page.data);
      cursor = `&cursor=${page.next_cursor ?? ''}`;
    }
  }

  setWorkers(tenantId: string, workers: unknown): Promise<Answer<ProblemBody>> {
    return this.request('PUT', `/api/tenants/${tenantId}/config/concurrency`, { workers });
  }

  async pause(tenantId: string): Promise<void> {
    const { status } = await this.request('POST', `/api/tenants/${tenantId}/pause`);
    expect(status).toBe(200);
  }

  /** Pauses it and waits until nobody consumes it: what is sent from then on stays in its queue. */
  async pauseAndWait(tenantId: string): Promise<void> {
    await this.pause(tenantId);
    await eventually(async () => expect((await this.tenant(tenantId)).consumer.owner).toBeNull());
  }

  async resume(tenantId: string): Promise<void> {
    const { status } = await this.request('POST', `/api/tenants/${tenantId}/resume`);
    expect(status).toBe(200);
  }

  async remove(tenantId: string): Promise<void> {
    const { status } = await this.request('DELETE', `/api/tenants/${tenantId}`);
    expect(status).toBe(204);
  }
}
