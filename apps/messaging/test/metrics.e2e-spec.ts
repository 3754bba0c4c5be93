import { randomUUID } from 'node:crypto';
import type { Answer } from './support/api';
import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { Scrape } from './support/metrics';
import { expectProblem } from './support/problem';
import { Program } from './support/program';
import { servers } from './support/servers';
import { StoringLock } from './support/storing-lock';
import { TcpProxy } from './support/tcp-proxy';

const TOKEN = 'a-token-of-the-one-who-scrapes';

/** What dashboards and alerts are written against, by the role in which it is told. */
const OF_EVERY_ROLE = [
  'messaging_messages_accepted_total',
  'messaging_messages_stored_total',
  'messaging_messages_redelivered_total',
  'messaging_messages_dead_total',
  'messaging_refused_total',
  ...['batch_rows', 'store_duration_seconds', 'publish_duration_seconds'].flatMap(histogram),
  ...histogram('acceptance_to_stored_seconds'),
  'messaging_event_loop_lag_seconds',
  'messaging_database_pool_connections',
  'messaging_ready',
  'process_cpu_seconds_total',
  'process_resident_memory_bytes',
  'nodejs_heap_size_used_bytes',
];
const OF_CONSUMERS = [
  'messaging_consumers',
  'messaging_in_flight_messages',
  'messaging_queue_messages',
  'messaging_oldest_waiting_message_age_seconds',
  'messaging_dead_letters',
];

function histogram(name: string): string[] {
  return ['bucket', 'sum', 'count'].map((part) => `messaging_${name}_${part}`);
}

describe('the metrics', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let toDatabase: TcpProxy;
  let program: Program;

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    toDatabase = await TcpProxy.start(database.url);
    program = await Program.start({ databaseUrl: toDatabase.url });
  });

  afterEach(() => StoringLock.releaseAll());

  afterAll(async () => {
    await Program.killAll();
    await toDatabase.stop();
    await broker.close();
    await database.drop();
  });

  const scrape = (): Promise<Scrape> => Scrape.of(program.api);

  /** How much these series grow while `work` is done, once `grown` says that they have. */
  async function growth<Series extends string>(
    series: readonly Series[],
    work: () => Promise<unknown>,
    grown: (by: Record<Series, number>) => void,
  ): Promise<void> {
    const before = await scrape();
    await work();
    await eventually(async () => {
      const after = await scrape();
      const entries = series.map((name) => [name, after.value(name) - before.value(name)]);
      grown(Object.fromEntries(entries) as Record<Series, number>);
    });
  }

  it.each([
    ['api', [], OF_CONSUMERS],
    ['consumer', OF_CONSUMERS, []],
  ] as const)('are served in the role %s alone', async (ROLES, told, untold) => {
    const alone = await Program.start({ databaseUrl: database.url, env: { ROLES } });
    const { headers } = await alone.api.get('/metrics');
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const names = (await Scrape.of(alone.api)).names();
    expect(names).toEqual(expect.arrayContaining([...OF_EVERY_ROLE, ...told]));
    for (const name of untold) expect(names).not.toContain(name);
    await alone.kill();
  });

  it('are for the bearer of their token, when there is one', async () => {
    const env = { ROLES: 'api', METRICS_TOKEN: TOKEN };
    const alone = await Program.start({ databaseUrl: database.url, env });
    const ask = (authorization: string): Promise<Answer> =>
      alone.api.request('GET', '/metrics', undefined, { authorization });

    const refused = [await alone.api.get('/metrics')];
    for (const wrong of [
      'Bearer ',
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(1)}`,
      TOKEN,
      `Basic ${TOKEN}`,
    ])
      refused.push(await ask(wrong));
    for (const answer of refused) {
      expectProblem(answer, 401, '/metrics');
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      expect(JSON.stringify(answer.body)).not.toContain(TOKEN);
    }
    const allowed = await Scrape.of(alone.api, { authorization: `Bearer ${TOKEN}` });
    expect(allowed.value('refused_total{reason="metrics-token"}')).toBe(refused.length);
    await alone.kill();
  });

  it('count what is accepted and what is stored, message by message', async () => {
    const tenantId = await program.api.createTenant();
    await growth(
      [
        'messages_accepted_total',
        'messages_stored_total',
        'batch_rows_sum',
        'acceptance_to_stored_seconds_count',
        'publish_duration_seconds_count',
      ],
      async () => {
        await program.api.send(tenantId, 'one');
        await program.api.sendBatch(tenantId, ['two', 'three', 'four']);
        await broker.publish(tenantId, '"not by HTTP"', { messageId: randomUUID() });
      },
      (by) =>
        expect(by).toEqual({
          messages_accepted_total: 4,
          messages_stored_total: 5,
          batch_rows_sum: 5,
          acceptance_to_stored_seconds_count: 5,
          publish_duration_seconds_count: 2,
        }),
    );
  });

  it('count a message that comes twice as stored once', async () => {
    const tenantId = await program.api.createTenant();
    const options = { messageId: randomUUID() };
    await growth(
      ['messages_stored_total', 'batch_rows_sum'],
      async () => {
        await broker.publish(tenantId, '"once"', options);
        await broker.publish(tenantId, '"once"', options);
      },
      (by) => expect(by).toEqual({ messages_stored_total: 1, batch_rows_sum: 2 }),
    );
  });

  it('measure the time from acceptance to storing', async () => {
    const tenantId = await program.api.createTenant();
    const lock = await StoringLock.hold(database, tenantId);
    const held = Date.now();
    const series = [
      'acceptance_to_stored_seconds_sum',
      'acceptance_to_stored_seconds_count',
    ] as const;
    let heldSeconds = 0;
    await growth(
      series,
      async () => {
        await program.api.send(tenantId, 'held up');
        const sent = Date.now();
        await eventually(async () => expect(await lock.waiting()).toBe(1));
        await eventually(() => expect(Date.now() - held).toBeGreaterThan(300));
        heldSeconds = (Date.now() - sent) / 1000;
        await lock.release();
      },
      ({ acceptance_to_stored_seconds_sum: sum, acceptance_to_stored_seconds_count: count }) => {
        expect(count).toBe(1);
        expect(sum).toBeGreaterThanOrEqual(heldSeconds);
        expect(sum).toBeLessThan(heldSeconds + 2);
      },
    );
  });

  it('count what is refused, by its reason', async () => {
    const tenantId = await program.api.createTenant();
    const path = `/api/tenants/${tenantId}/messages`;
    await growth(
      [
        'refused_total{reason="invalid-input"}',
        'refused_total{reason="malformed-json"}',
        'refused_total{reason="tenant-not-found"}',
      ],
      async () => {
        await program.api.request('POST', path, {});
        await program.api.request('POST', path, { payload: 1, more: 2 });
        await program.api.request('POST', path, '{"payload":');
        await program.api.request('POST', `/api/tenants/${randomUUID()}/messages`, { payload: 1 });
      },
      (by) => expect(Object.values(by)).toEqual([2, 1, 1]),
    );
  });

  it('count dead letters, those that come and those that are kept', async () => {
    const tenantId = await program.api.createTenant();
    const kept = (await scrape()).value('dead_letters');
    await growth(
      ['messages_dead_total'],
      async () => {
        await broker.publish(tenantId, 'no JSON', { messageId: randomUUID() });
        await broker.publish(tenantId, '{"open":', { messageId: randomUUID() });
      },
      ({ messages_dead_total }) => expect(messages_dead_total).toBe(2),
    );
    await eventually(async () => expect((await scrape()).value('dead_letters')).toBe(kept + 2), {
      withinMs: 20_000,
    });
  });

  it('tell of the consumers that should run and that do', async () => {
    const tenantId = await program.api.createTenant();
    const states = async (): Promise<number[]> => {
      const now = await scrape();
      return ['wanted', 'owned', 'running'].map((state) =>
        now.value(`consumers{state="${state}"}`),
      );
    };
    const living = async (): Promise<number> => {
      const text = `SELECT count(*)::int AS n FROM tenants WHERE removed_at IS NULL AND status = 'active'`;
      const [row] = await database.rows<{ n: number }>(text);
      return row?.n ?? 0;
    };
    const active = await living();
    await eventually(async () => expect(await states()).toEqual([active, active, active]));
    await program.api.pause(tenantId);
    const fewer = active - 1;
    await eventually(async () => expect(await states()).toEqual([fewer, fewer, fewer]));
  });

  it('time what the broker does not confirm, too', async () => {
    const toBroker = await TcpProxy.start(servers().rabbitmqUrl);
    const own = await TestDatabase.create();
    const alone = await Program.start({ databaseUrl: own.url, rabbitmqUrl: toBroker.url });
    const tenantId = await alone.api.createTenant();
    toBroker.freeze();
    const path = `/api/tenants/${tenantId}/messages`;
    const { status } = await alone.api.request('POST', path, { payload: 'is on its way' });
    expect(status).toBe(503);
    const now = await Scrape.of(alone.api);
    expect(now.value('publish_duration_seconds_count')).toBe(1);
    // As long as a confirm may take.
    expect(now.value('publish_duration_seconds_sum')).toBeGreaterThan(1);
    await alone.kill();
    await toBroker.stop();
    await own.drop();
  });

  it('count what is delivered again after a crash', async () => {
    const own = await TestDatabase.create();
    const first = await Program.start({ databaseUrl: own.url });
    const tenantId = await first.api.createTenant(3);
    const lock = await StoringLock.hold(own, tenantId);
    await first.api.sendBatch(tenantId, [1, 2, 3]);
    await eventually(async () => {
      expect((await Scrape.of(first.api)).value('in_flight_messages')).toBe(3);
    });
    await first.kill();
    await lock.release();
    const second = await Program.start({ databaseUrl: own.url });
    await eventually(async () => {
      expect((await Scrape.of(second.api)).value('messages_redelivered_total')).toBe(3);
    });
    await second.kill();
    await own.drop();
  });

  it('say which check of readiness fails', async () => {
    const checks = async (): Promise<number[]> => {
      const now = await scrape();
      return ['database', 'broker', 'draining'].map((check) =>
        now.value(`ready{check="${check}"}`),
      );
    };
    expect(await checks()).toEqual([1, 1, 1]);
    toDatabase.cut();
    await eventually(async () => expect(await checks()).toEqual([0, 1, 1]));
    toDatabase.restore();
    await eventually(async () => expect(await checks()).toEqual([1, 1, 1]));
  });

  it('say that the process is stopping, while it is', async () => {
    const own = await TestDatabase.create();
    const stopping = await Program.start({ databaseUrl: own.url });
    const tenantId = await stopping.api.createTenant();
    const lock = await StoringLock.hold(own, tenantId);
    await stopping.api.send(tenantId, 'holds up the stop');
    await eventually(async () => expect(await lock.waiting()).toBe(1));
    stopping.signal('SIGTERM');
    await eventually(async () => {
      expect((await Scrape.of(stopping.api)).value('ready{check="draining"}')).toBe(0);
    });
    await lock.release();
    expect((await stopping.exited).code).toBe(0);
    await own.drop();
  });

  it('tell how late the event loop is, and what the pool holds', async () => {
    const now = await scrape();
    const lag = ['0.5', '0.99', '1'].map((quantile) =>
      now.value(`event_loop_lag_seconds{quantile="${quantile}"}`),
    );
    expect(lag).toEqual(lag.toSorted((a, b) => a - b));
    expect(lag[0]).toBeLessThan(1);
    const pool = (state: string): number =>
      now.value(`database_pool_connections{state="${state}"}`);
    expect(pool('total')).toBeGreaterThan(0);
    expect(pool('idle')).toBeLessThanOrEqual(pool('total'));
    expect(pool('waiting')).toBe(0);
  });
});
