import type { Api } from './support/api';
import { TestDatabase } from './support/database';
import { Program } from './support/program';

describe('the headers that browsers heed', () => {
  let database: TestDatabase;
  let program: Program;

  beforeAll(async () => {
    database = await TestDatabase.create();
    program = await Program.start({ databaseUrl: database.url });
  });

  afterAll(async () => {
    await Program.killAll();
    await database.drop();
  });

  const headersOf = async (...request: Parameters<Api['request']>): Promise<Headers> =>
    (await program.api.request(...request)).headers;

  const policyOf = (headers: Headers): string[] =>
    (headers.get('content-security-policy') ?? '').split('; ');

  const requests: [method: string, path: string, body: unknown][] = [
    ['GET', '/api/tenants', undefined],
    ['POST', '/api/tenants', { name: '' }],
    ['POST', '/api/tenants', '{'],
    ['GET', '/nowhere', undefined],
    ['GET', '/api/tenants/%ff/messages', undefined],
    ['GET', '/health/live', undefined],
  ];

  it.each(requests)('are on every answer: %s %s %j', async (method, path, body) => {
    const headers = await headersOf(method, path, body);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(policyOf(headers)).toEqual(["default-src 'none'", "frame-ancestors 'none'"]);
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('server')).toBeNull();
  });

  it('let the documentation use its own files, and nothing of anybody else’s', async () => {
    for (const path of ['/api/docs', '/api/docs/swagger-ui.css', '/api/docs/swagger-ui-init.js']) {
      const headers = await headersOf('GET', path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      const policy = policyOf(headers);
      expect(policy).toContain("default-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      // Scripts come from files alone.
      expect(policy.filter((rule) => /script|http|\*/.test(rule))).toEqual([]);
    }
  });

  it('forbid nothing that the page of the documentation does', async () => {
    const html = await (await fetch(`${program.api.url}/api/docs`)).text();
    const inline = [...html.matchAll(/<script(?![^>]*\bsrc=)[^>]*>([^]*?)<\/script>/g)];
    expect(inline.map(([, script]) => script?.trim())).toEqual([]);
    expect(html).not.toMatch(/\son[a-z]+="/);
    for (const script of ['swagger-ui-init.js', 'swagger-ui-standalone-preset.js']) {
      const { headers } = await fetch(`${program.api.url}/api/docs/${script}`);
      // What is not a script by its type is no script to a browser that is told not to sniff.
      expect(headers.get('content-type')).toMatch(/javascript/);
    }
  });
});
