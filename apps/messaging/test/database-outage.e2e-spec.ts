import { setTimeout as delay } from 'node:timers/promises';
import { LocalStack, type PostgresServer } from '@app/local-stack';
import { HEARTBEAT_FRESH_MS } from '../src/tenants/consumer-reports';
import type { Page } from './support/api';
import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { type DatabaseOutage, databaseOutages, ROLE } from './support/database-outages';
import { eventually, throughout } from './support/eventually';
import { Program } from './support/program';
import { timed } from './support/timed';

jest.setTimeout(90_000);

const WORKERS = 3;
const SENT = 60;

/** Long enough for some tries, and for what must not happen to happen. */
const OUTAGE_MS = 5_000;

/** Less than half of what the writer waits for a statement. */
const READS_WITHIN_MS = 5_500;

describe('when the database goes away', () => {
  let stack: LocalStack;
  let postgres: PostgresServer;
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;
  let roleUrl: string;
  let tenantId: string;

  beforeAll(async () => {
    stack = await LocalStack.start({ only: ['postgres'] });
    postgres = stack.postgres as PostgresServer;
    database = await TestDatabase.create(postgres.url);
    broker = await TestBroker.connect();
    roleUrl = await urlOfRole();
    program = await Program.start({
      databaseUrl: roleUrl,
      // The first redelivery would make a dead letter.
      env: { DEAD_LETTER_AFTER: '1' },
    });
  });

  afterAll(async () => {
    await Program.killAll();
    await broker.close();
    await stack.stop();
  });

  /** Superusers are let in past every limit. */
  async function urlOfRole(): Promise<string> {
    const url = new URL(database.url);
    await database.client.query(`CREATE ROLE ${ROLE} LOGIN CREATEROLE PASSWORD '${ROLE}'`);
    await database.client.query(`ALTER DATABASE ${url.pathname.slice(1)} OWNER TO ${ROLE}`);
    url.username = ROLE;
    url.password = ROLE;
    return url.toString();
  }

  const path = (rest: string): string => `/api/tenants/${tenantId}/${rest}`;

  /** At most `workers` are taken, and they stay taken: nothing goes round. */
  async function expectTheRestToWait(): Promise<void> {
    expect(await broker.queue(tenantId)).toEqual({ ready: SENT - WORKERS, consumers: 1 });
  }

  async function expectReads(status: number): Promise<void> {
    for (const rest of ['messages', 'dead-letters', 'config/concurrency']) {
      const answer = await timed(program.api.get(path(rest)));
      expect({ rest, status: answer.status }).toEqual({ rest, status });
      expect(answer.tookMs).toBeLessThan(READS_WITHIN_MS);
      if (status === 503) expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    }
  }

  async function stored(): Promise<number[]> {
    const messages = await program.api.allMessages(tenantId);
    return messages.map(({ payload }) => Number(payload)).toSorted((a, b) => a - b);
  }

  /** A line may tell of several. */
  const tries = (): number =>
    [...program.output.matchAll(/"tries":(\d+),"msg":"Not stored yet/g)]
      .map(([, count]) => Number(count))
      .reduce((a, b) => a + b, 0);

  describe.each(databaseOutages)('($kind)', (outage) => {
    const sent = Array.from({ length: SENT }, (_, number) => number);
    let triesBefore: number;

    beforeAll(async () => {
      tenantId = await program.api.createTenant(WORKERS);
      await eventually(async () => {
        expect(await program.api.tenant(tenantId)).toMatchObject({
          consumer: { state: 'running' },
        });
      });
      triesBefore = tries();
      await outage.begin(postgres, database.url);
    });

    it('publishing goes on with 202, and at most `workers` of it are taken', async () => {
      for (const number of sent.slice(0, SENT / 2)) await program.api.send(tenantId, number);
      await program.api.sendBatch(tenantId, sent.slice(SENT / 2));
      await eventually(expectTheRestToWait);
      await throughout(delay(OUTAGE_MS), expectTheRestToWait);
    });

    it(`reads answer ${outage.reads} in reasonable time`, () => expectReads(outage.reads));

    it('is asked again and again, ever less often', () => {
      // At 50 ms, doubled up to 2 s: some ten times in all that time, not hundreds of times.
      expect(tries() - triesBefore).toBeGreaterThan(0);
      expect(tries() - triesBefore).toBeLessThan(25);
    });

    it('drains the backlog within 5 s when it is back, each message once, none of it dead', async () => {
      await outage.end(postgres, database.url);
      await eventually(async () => expect(await stored()).toEqual(sent), { withinMs: 5_000 });
      expect(await broker.queue(tenantId)).toEqual({ ready: 0, consumers: 1 });
      const dead = await program.api.get<Page<unknown>>(path('dead-letters'));
      expect(dead.body.data).toEqual([]);
    });
  });

  it('of a process with the api alone, whose sessions were opened on a standby, changes go through again', async () => {
    const outage = databaseOutages.find(({ reads }) => reads === 200) as DatabaseOutage;
    const env = { ROLES: 'api' };
    const { api } = await Program.start({ databaseUrl: roleUrl, env });
    tenantId = await api.createTenant(WORKERS);
    await outage.begin(postgres, database.url);
    await eventually(async () => expect((await api.setWorkers(tenantId, 4)).status).toBe(503));
    await outage.end(postgres, database.url);
    await eventually(async () => expect((await api.setWorkers(tenantId, 5)).status).toBe(200), {
      withinMs: 5_000,
    });
  });

  it('a replica that starts meanwhile takes no tenants of those that are about to come back', async () => {
    const outage = databaseOutages.find(({ kind }) => kind === 'stopped') as DatabaseOutage;
    tenantId = await program.api.createTenant(WORKERS);
    const { owner } = await eventually(async () => {
      const { consumer } = await program.api.tenant(tenantId);
      expect(consumer).toMatchObject({ state: 'running' });
      return consumer;
    });
    await outage.begin(postgres, database.url);
    program.signal('SIGSTOP');
    const started = await Program.start({ databaseUrl: roleUrl, until: 'live' });
    await eventually(() => expect(started.output).toContain('The database is not ready'));
    // Until its heartbeat counts no longer.
    await delay(HEARTBEAT_FRESH_MS);
    await outage.end(postgres, database.url);
    await eventually(async () => expect(await started.api.status('/health/startup')).toBe(200));

    const client = await database.connect();
    const { rows } = await client.query('SELECT DISTINCT replica_id FROM tenant_leases');
    await client.end();
    expect(rows).toEqual([{ replica_id: owner }]);
    program.signal('SIGCONT');
    await eventually(async () => {
      const { consumer } = await started.api.tenant(tenantId);
      expect(consumer).toMatchObject({ state: 'running' });
    });
  });
});
