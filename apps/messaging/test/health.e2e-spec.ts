import { setTimeout as delay } from 'node:timers/promises';
import type { ProblemBody } from './support/api';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { Scrape } from './support/metrics';
import { Program } from './support/program';
import { servers } from './support/servers';
import { TcpProxy } from './support/tcp-proxy';
import { timed } from './support/timed';

const FOLLOWS_WITHIN_MS = 2_000;
const PROBE_WITHIN_MS = 1_000;
const PROBES = 30;

describe('health', () => {
  let database: TestDatabase;
  let program: Program;
  const to = {} as Record<'database' | 'broker', TcpProxy>;

  beforeAll(async () => {
    database = await TestDatabase.create();
    to.database = await TcpProxy.start(database.url);
    to.broker = await TcpProxy.start(servers().rabbitmqUrl);
    program = await start('ready');
  });

  afterEach(async () => {
    for (const proxy of Object.values(to)) proxy.restore();
    await eventually(async () => expect(await program.api.status('/health/ready')).toBe(200));
  });

  afterAll(async () => {
    await Program.killAll();
    for (const proxy of Object.values(to)) await proxy.stop();
    await database.drop();
  });

  const start = (until: 'live' | 'ready'): Promise<Program> =>
    Program.start({ databaseUrl: to.database.url, rabbitmqUrl: to.broker.url, until });

  const live = (): Promise<number> => program.api.status('/health/live');

  /** Which of its checks are down. */
  async function down({ api }: Program): Promise<string[]> {
    const { status, headers, body } = await api.get<ProblemBody>('/health/ready');
    if (status === 200) return [];
    expect(status).toBe(503);
    expect(headers.get('content-type')).toContain('application/problem+json');
    const checks = Object.entries(body.checks ?? {});
    return checks.filter(([, check]) => check.status === 'down').map(([name]) => name);
  }

  const becomesDown = (names: string[]): Promise<void> =>
    eventually(async () => expect(await down(program)).toEqual(names), {
      withinMs: FOLLOWS_WITHIN_MS,
    });

  describe.each(['database', 'broker'] as const)('when the %s fails', (name) => {
    it.each(['cut', 'freeze'] as const)('names it within 2 s, both ways (%s)', async (fault) => {
      expect(await down(program)).toEqual([]);
      to[name][fault]();
      await becomesDown([name]);
      const { body } = await program.api.get<ProblemBody>('/health/ready');
      expect(body).toMatchObject({ status: 503, detail: expect.stringContaining(name) as string });
      expect(await live()).toBe(200);

      to[name].restore();
      await becomesDown([]);
    });
  });

  it('does not miss what the caller excludes, and knows nothing else to exclude', async () => {
    const without = (name: string): Promise<number> =>
      program.api.status(`/health/ready?exclude=${name}`);
    to.database.cut();
    await becomesDown(['database']);
    expect([await without('database'), await without('broker')]).toEqual([200, 503]);
    // What a probe or a proxy adds is none of its business.
    expect(await without('database&verbose')).toBe(200);
    to.broker.cut();
    await becomesDown(['database', 'broker']);
    expect(await without('database')).toBe(503);

    const { status, body } = await program.api.get<ProblemBody>('/health/ready?exclude=draining');
    expect(status).toBe(400);
    expect(body.errors).toEqual([{ field: 'exclude', message: 'must be database or broker' }]);
  });

  it('names both, when both fail, also at the start', async () => {
    for (const proxy of Object.values(to)) proxy.cut();
    const newcomer = await start('live');
    expect((await down(newcomer)).toSorted()).toEqual(['broker', 'database']);
    expect(await newcomer.api.status('/health/startup')).toBe(503);

    for (const proxy of Object.values(to)) {
      proxy.restore();
      proxy.freeze();
    }
    expect((await down(newcomer)).toSorted()).toEqual(['broker', 'database']);
    expect(await newcomer.api.status('/health/live')).toBe(200);

    for (const proxy of Object.values(to)) proxy.restore();
    await eventually(async () => {
      expect(await down(newcomer)).toEqual([]);
      expect(await newcomer.api.status('/health/startup')).toBe(200);
    });
  });

  it('answers every probe within 1 s while the database hangs, and takes no harm', async () => {
    const tenantId = await program.api.createTenant();
    to.database.freeze();
    const probes = [];
    for (let sent = 0; sent < PROBES; sent++) {
      probes.push(timed(program.api.get('/health/ready')));
      await delay(50);
    }
    for (const { status, tookMs } of await Promise.all(probes)) {
      expect(status).toBe(503);
      expect(tookMs).toBeLessThan(PROBE_WITHIN_MS);
    }
    // Had each of them taken a connection, none would be left, and most would wait for one still.
    const waiting = (await Scrape.of(program.api)).value(
      'database_pool_connections{state="waiting"}',
    );
    expect(waiting).toBeLessThan(PROBES / 2);
    to.database.restore();
    await becomesDown([]);
    expect(await program.api.status(`/api/tenants/${tenantId}/messages`)).toBe(200);
  });
});
