import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { lineOf, linesOf } from './support/log';
import { refusedDuring, Scrape } from './support/metrics';
import { expectProblem } from './support/problem';
import { Program } from './support/program';
import { head, RawClient } from './support/raw-client';
import { timed } from './support/timed';

const REQUEST_TIMEOUT_MS = 1_500;
const MAX_CONNECTIONS = 40;

/** The timeout, and how late it may be noticed. */
const CUT_OFF_WITHIN_MS = REQUEST_TIMEOUT_MS + 2_500;
const KIB = 1024;
const MIB = 1024 * KIB;

describe('a client that is slow, or many', () => {
  let database: TestDatabase;
  let program: Program;
  let tenantId: string;

  beforeAll(async () => {
    database = await TestDatabase.create();
    program = await Program.start({
      databaseUrl: database.url,
      env: {
        REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT_MS),
        MAX_CONNECTIONS: String(MAX_CONNECTIONS),
      },
    });
    tenantId = await program.api.createTenant();
  });

  afterEach(async () => {
    await RawClient.closeAll();
    // The service is as it was, and has nothing to tell of.
    await eventually(() => program.api.send(tenantId, 'afterwards'));
    expect(program.output).not.toMatch(/^\s+at |"level":[56]0/m);
  });

  afterAll(async () => {
    await Program.killAll();
    await database.drop();
  });

  const path = (): string => `/api/tenants/${tenantId}/messages`;
  const connectMany = (count: number): Promise<RawClient[]> =>
    Promise.all(Array.from({ length: count }, () => RawClient.connect(program.port)));

  /** Sends one character at a time until it is cut off; everybody else is served meanwhile. */
  async function dripUntilCutOff(client: RawClient, text: string): Promise<number> {
    const began = performance.now();
    for (const character of text.repeat(100)) {
      if (!client.isOpen) break;
      await client.write(character);
      const { status, tookMs } = await timed(program.api.get('/health/live'));
      expect(status).toBe(200);
      expect(tookMs).toBeLessThan(1_000);
      await Promise.race([delay(50), client.closed]);
    }
    await client.closed;
    return performance.now() - began;
  }

  it.each([
    ['the headers', (): string => 'POST /api/tenants HTTP/1.1\r\nx-slow: ', 'z'],
    ['the body', (): string => head(path(), 'content-length: 10000'), '1'],
    ['nothing', (): string => '', ''],
  ])('that takes too long over %s gets 408 and is cut off', async (_, begin, drop) => {
    const client = await RawClient.connect(program.port);
    const refused = await refusedDuring(program.api, async () => {
      await client.write(begin());
      expect(await dripUntilCutOff(client, drop)).toBeLessThan(CUT_OFF_WITHIN_MS);
    });
    const problem = expectProblem(await client.answer(), 408);
    expect(problem.type).toBe('urn:messaging:problem:request-timeout');
    expect(refused).toEqual({ 'request-timeout': 1 });
    expect(await lineOf(program, problem.request_id)).toMatchObject({ res: { statusCode: 408 } });
  });

  it('may come in many: each is cut off, and the others are served', async () => {
    const slow = await connectMany(MAX_CONNECTIONS - 10);
    await Promise.all(slow.map((client) => client.write(head(path(), 'content-length: 10000'))));
    await program.api.send(tenantId, 'meanwhile');
    await Promise.all(slow.map(({ closed }) => closed));
    expect(slow.map(({ status }) => status)).toEqual(slow.map(() => 408));
  });

  it('finds no place beyond the maximum, and takes none from those who are being served', async () => {
    const dropped = async (): Promise<number> =>
      (await Scrape.of(program.api)).value('refused_total{reason="connection-dropped"}');
    const before = await dropped();
    const begun = head(path(), 'content-length: 13');
    const clients = await connectMany(MAX_CONNECTIONS + 10);
    await Promise.all(clients.map((client) => client.write(begun)));
    const isLeft = ({ isOpen }: RawClient): boolean => isOpen;
    await eventually(() =>
      expect(clients.filter(isLeft).length).toBeLessThanOrEqual(MAX_CONNECTIONS),
    );
    const left = clients.filter(isLeft);
    expect(left.length).toBeGreaterThan(MAX_CONNECTIONS - 10);
    await Promise.all(left.map((client) => client.write('{"payload":1}')));
    await eventually(() => expect(left.map(({ status }) => status)).toEqual(left.map(() => 202)));
    await RawClient.closeAll();
    const lost = clients.length - left.length;
    await eventually(async () => expect((await dropped()) - before).toBeGreaterThanOrEqual(lost));
  });

  it('gives up its place to others when it only keeps a connection', async () => {
    const idle = await connectMany(MAX_CONNECTIONS);
    const live = 'GET /health/live HTTP/1.1\r\nhost: test\r\n\r\n';
    await Promise.all(idle.map((client) => client.write(live)));
    await eventually(async () => {
      const client = await RawClient.connect(program.port);
      await client.write(live);
      await eventually(() => expect(client.status).toBe(200), { withinMs: 200 });
    });
  });

  describe('that sends more than is taken', () => {
    const CHUNK = Buffer.alloc(64 * KIB, ' ');

    /** Reads nothing before it has sent everything, as simple clients do. */
    async function sendAll(headers: string[], bytes: number): Promise<RawClient> {
      const client = await RawClient.connect(program.port);
      client.deafen();
      const chunked = headers.includes('transfer-encoding: chunked');
      await client.write(head(path(), ...headers));
      for (let sent = 0; sent < bytes; sent += CHUNK.length) {
        if (chunked) await client.write(`${CHUNK.length.toString(16)}\r\n`);
        await client.write(CHUNK);
        if (chunked) await client.write('\r\n');
      }
      if (chunked) await client.write('0\r\n\r\n');
      client.listen();
      await eventually(() => expect(client.received).toContain('"request_id"'));
      return client;
    }

    it.each([
      ['', [`content-length: ${4 * MIB}`]],
      [' and asks to close', [`content-length: ${4 * MIB}`, 'connection: close']],
      [' in chunks', ['transfer-encoding: chunked']],
      [' in chunks and asks to close', ['transfer-encoding: chunked', 'connection: close']],
    ])('reads its 413 every time%s', async (_, headers) => {
      for (let round = 0; round < 5; round++) {
        const clients = await Promise.all(
          Array.from({ length: 5 }, () => sendAll(headers, 4 * MIB)),
        );
        expect(clients.map(({ status }) => status)).toEqual(clients.map(() => 413));
        await Promise.all(clients.map((client) => client.close()));
      }
    });

    it('reads it every time by fetch, and a 415 as well', async () => {
      const body = ' '.repeat(4 * MIB);
      for (let round = 0; round < 20; round++) {
        const large = await program.api.request('POST', path(), body);
        const headers = { 'content-type': 'text/plain' };
        const strange = await program.api.request('POST', path(), body, headers);
        expect([large.status, strange.status]).toEqual([413, 415]);
      }
    });

    it('may use its connection again', async () => {
      const client = await sendAll([`content-length: ${4 * MIB}`], 4 * MIB);
      client.received = '';
      await client.write(`${head(path(), 'content-length: 13')}{"payload":2}`);
      await eventually(() => expect(client.status).toBe(202));
    });

    it('has it closed when it asked for that', async () => {
      const client = await sendAll([`content-length: ${MIB}`, 'connection: close'], MIB);
      await client.closed;
    });

    it('is cut off when it does not end, and costs no memory', async () => {
      const residentMib = (): number => {
        const status = readFileSync(`/proc/${program.pid}/status`, 'utf8');
        return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / KIB;
      };
      const before = residentMib();
      const clients = await connectMany(10);
      const endless = clients.map(async (client) => {
        await client.write(head(path(), `content-length: ${100_000 * MIB}`));
        while (client.isOpen) await client.write(CHUNK);
      });
      await Promise.all(endless);
      expect(clients.map(({ status }) => status)).toEqual(clients.map(() => 413));
      expect(residentMib() - before).toBeLessThan(150);
    });
  });

  it('that goes away in the middle of a body is no error, and is not refused', async () => {
    const aborted = (): number =>
      linesOf(program).filter(({ msg }) => msg === 'request aborted').length;
    const before = aborted();
    const refused = await refusedDuring(program.api, async () => {
      for (let sent = 0; sent < 10; sent++) {
        const client = await RawClient.connect(program.port);
        await client.write(`${head(path(), 'content-length: 10000')}{"payload":`);
        await program.api.send(tenantId, sent);
        await client.close();
      }
      await eventually(() => expect(aborted()).toBe(before + 10));
    });
    expect(refused).toEqual({});
  });
});
