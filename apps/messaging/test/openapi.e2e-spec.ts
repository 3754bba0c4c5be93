import { TestDatabase } from './support/database';
import { Program } from './support/program';
import {
  type Document,
  hasExample,
  type Media,
  type Operation,
  operationsOf,
  resolveRef,
} from './support/openapi-document';

/** Every call of the contract that is served, and the statuses that it may answer with. */
const OPERATIONS: Record<string, string[]> = {
  'post /api/tenants': ['201', '400', '409', '413', '503'],
  'get /api/tenants': ['200', '400', '503'],
  'get /api/tenants/{tenant_id}': ['200', '400', '404', '503'],
  'delete /api/tenants/{tenant_id}': ['204', '400', '404', '503'],
  'patch /api/tenants/{tenant_id}': ['200', '400', '404', '413', '415', '503'],
  'put /api/tenants/{tenant_id}/config/concurrency': ['200', '400', '404', '503'],
  'get /api/tenants/{tenant_id}/config/concurrency': ['200', '400', '404', '503'],
  'post /api/tenants/{tenant_id}/pause': ['200', '400', '404', '503'],
  'post /api/tenants/{tenant_id}/resume': ['200', '400', '404', '503'],
  'post /api/tenants/{tenant_id}/messages': ['202', '400', '404', '413', '429', '503'],
  'post /api/tenants/{tenant_id}/messages/batch': ['202', '400', '404', '413', '429', '503'],
  'get /api/tenants/{tenant_id}/messages': ['200', '400', '404', '503'],
  'get /api/tenants/{tenant_id}/messages/{id}': ['200', '400', '404', '503'],
  'get /health/live': ['200'],
  'get /health/ready': ['200', '400', '503'],
  'get /health/startup': ['200', '503'],
  'get /metrics': ['200', '401'],
};

/** The answers that are no JSON. */
const OTHER_TYPES: Record<string, string> = { 'get /metrics 200': 'text/plain' };

describe('the documentation', () => {
  let database: TestDatabase;
  let program: Program;
  let document: Document;
  let operations: Map<string, Operation>;

  beforeAll(async () => {
    database = await TestDatabase.create();
    program = await Program.start({ databaseUrl: database.url });
    const { status, body } = await program.api.get<Document>('/api/docs-json');
    expect(status).toBe(200);
    document = body;
    operations = operationsOf(document);
  });

  afterAll(async () => {
    await Program.killAll();
    await database.drop();
  });

  it('describes every call and each of its answers', () => {
    for (const [call, statuses] of Object.entries(OPERATIONS)) {
      const operation = operations.get(call);
      expect([call, operation?.summary]).toEqual([call, expect.stringMatching(/./)]);
      const documented = Object.keys(operation?.responses ?? {});
      expect([call, documented]).toEqual([call, expect.arrayContaining(statuses)]);
    }
  });

  it('has a summary for whatever else it describes', () => {
    for (const [call, { summary }] of operations)
      expect([call, summary]).toEqual([call, expect.stringMatching(/./)]);
  });

  it('has an example of every body', () => {
    const without: string[] = [];
    const check = (place: string, content: Record<string, Media> = {}): void => {
      for (const [type, media] of Object.entries(content))
        if (!hasExample(document, media)) without.push(`${place} ${type}`);
    };
    for (const [call, { requestBody, responses }] of operations) {
      check(`${call} body`, requestBody?.content);
      for (const [status, { content }] of Object.entries(responses))
        check(`${call} ${status}`, content);
    }
    expect(without).toEqual([]);
  });

  it('says what every answer with a body looks like, errors as problem documents', () => {
    for (const [call, { responses }] of operations)
      for (const [status, { content }] of Object.entries(responses)) {
        const type = Number(status) >= 400 ? 'application/problem+json' : 'application/json';
        const other = OTHER_TYPES[`${call} ${status}`];
        const types = status === '204' ? [] : [other ?? type];
        expect([call, status, Object.keys(content ?? {})]).toEqual([call, status, types]);
      }
  });

  it('lacks no schema that it refers to', () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref);
    expect(refs.length).toBeGreaterThan(10);
    for (const ref of refs)
      expect([ref, resolveRef(document, String(ref))]).toEqual([ref, expect.anything()]);
  });

  it('is a page that needs nobody but this service', async () => {
    const page = await fetch(`${program.api.url}/api/docs`);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toMatch(/text\/html/);
    const html = await page.text();
    const assets = [...html.matchAll(/<(?:script|link|img)[^>]*(?:src|href)="([^"]+)"/g)].map(
      ([, url]) => String(url),
    );
    expect(assets.filter((url) => url.endsWith('.js')).length).toBeGreaterThan(1);
    for (const asset of assets) {
      const url = new URL(asset, page.url);
      expect(url.origin).toBe(program.api.url);
      expect([asset, (await fetch(url)).status]).toEqual([asset, 200]);
    }
    const scripts = assets.filter((url) => /init\.js$|\.css$/.test(url));
    expect(scripts.length).toBeGreaterThan(1);
    for (const asset of scripts) {
      const text = await (await fetch(new URL(asset, page.url))).text();
      expect(text).not.toMatch(/(?:url\(|@import|src\s*=|fetch\()\s*["']?https?:/);
    }
  });
});
