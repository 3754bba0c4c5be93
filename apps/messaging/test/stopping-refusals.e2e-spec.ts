import type { ProblemBody } from './support/api';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { lineOf } from './support/log';
import { Program } from './support/program';
import { RawClient } from './support/raw-client';
import { StoringLock } from './support/storing-lock';
import { changeUnderWay } from './support/under-way';

const REFUSED = 'messaging_refused_total{reason="stopping"}';

describe('a request on a connection that is open still while HTTP closes', () => {
  let database: TestDatabase;
  let program: Program;

  beforeAll(async () => {
    database = await TestDatabase.create();
    program = await Program.start({ databaseUrl: database.url });
  });

  afterAll(async () => {
    await RawClient.closeAll();
    await Program.killAll();
    await StoringLock.releaseAll();
    await database.drop();
  });

  /** A connection that was used before, and on which a request has begun. */
  async function keptAlive(path: string): Promise<RawClient> {
    const client = await RawClient.connect(program.port);
    await client.write('GET /health/live HTTP/1.1\r\nhost: test\r\n\r\n');
    expect((await client.answer()).status).toBe(200);
    client.received = '';
    await client.write(`GET ${path} HTTP/1.1\r\nx-request-id: late-${path.split('/').at(-1)}\r\n`);
    return client;
  }

  it('is refused as every other is: by a problem, counted, told of, and with the headers', async () => {
    const [late, probe, scrape] = [
      await keptAlive('/api/tenants'),
      await keptAlive('/health/live'),
      await keptAlive('/metrics'),
    ];
    const { answer, lock } = await changeUnderWay(program, database);
    program.signal('SIGTERM');
    await eventually(async () => expect(await program.api.status('/health/live')).toBe(0));

    await late.write('host: test\r\n\r\n');
    const { status, headers, body } = await late.answer();
    expect(status).toBe(503);
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': expect.stringMatching(/^application\/problem\+json\b/) as string,
      connection: 'close',
      'retry-after': '1',
      'x-request-id': 'late-tenants',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
    expect(body as ProblemBody).toEqual({
      type: 'urn:messaging:problem:stopping',
      title: 'This process is stopping',
      status: 503,
      detail: expect.stringContaining('try again') as string,
      instance: '/api/tenants',
      request_id: 'late-tenants',
    });
    await late.closed;
    expect(await lineOf(program, 'late-tenants')).toMatchObject({ res: { statusCode: 503 } });

    await probe.write('host: test\r\n\r\n');
    expect((await probe.answer()).status).toBe(200);
    await scrape.write('host: test\r\n\r\n');
    await eventually(() => expect(scrape.received).toContain(`${REFUSED} 1\n`));

    await lock.release();
    expect((await answer).status).toBe(200);
    expect(await program.exited).toEqual({ code: 0, signal: null });
  });
});
