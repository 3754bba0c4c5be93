import { TestBroker } from './support/broker';
import type { Page } from './support/api';
import { partitionOf, TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { Program } from './support/program';
import { servers } from './support/servers';
import { virtualHost } from './support/virtual-host';

const DEAD_LETTER_AFTER = 3;

interface DeadLetterBody {
  id: string;
  body: string;
  reason: string;
  attempts: number;
}

describe('a classic queue, which sets nothing aside by itself', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;
  let tenantId: string;

  beforeAll(async () => {
    database = await TestDatabase.create();
    // The queue of dead letters is of one type per broker, and that of the others is quorum.
    broker = await TestBroker.connect(await virtualHost('classic'));
    program = await start();
    tenantId = await program.api.createTenant();
  });

  afterAll(async () => {
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  const start = (): Promise<Program> =>
    Program.start({
      databaseUrl: database.url,
      rabbitmqUrl: `${servers().rabbitmqUrl}/classic`,
      env: { QUEUE_TYPE: 'classic', DEAD_LETTER_AFTER: String(DEAD_LETTER_AFTER) },
    });

  /** How many messages were counted, as delivered so often at least. */
  const counted = async (deliveries = 0): Promise<number> => {
    const text = 'SELECT FROM uncounted_redeliveries WHERE deliveries >= $1';
    return (await database.rows(text, [deliveries])).length;
  };

  async function letters(count: number): Promise<DeadLetterBody[]> {
    return eventually(async () => {
      const path = `/api/tenants/${tenantId}/dead-letters`;
      const { body } = await program.api.get<Page<DeadLetterBody>>(path);
      expect(body.data).toHaveLength(count);
      return body.data;
    });
  }

  /** Whoever takes them waits, and is killed meanwhile. */
  async function killTheTaker(times: number, messages: number): Promise<void> {
    for (let delivery = 1; delivery <= times; delivery++) {
      await eventually(async () =>
        expect(await broker.queue(tenantId)).toEqual({ ready: 0, consumers: 1 }),
      );
      if (delivery > 1)
        await eventually(async () => expect(await counted(delivery)).toBe(messages));
      await program.kill();
      await eventually(async () => expect((await broker.queue(tenantId))?.consumers).toBe(0));
      program = await start();
    }
  }

  it('costs nothing more where nothing comes back', async () => {
    await program.api.sendBatch(tenantId, [...Array(50).keys()]);
    await eventually(async () => expect(await database.stored(tenantId)).toBe(50));
    const [row] = await database.rows<{ dead: number }>(
      `SELECT n_tup_ins::int AS dead FROM pg_stat_user_tables WHERE relname = 'uncounted_redeliveries'`,
    );
    expect(row?.dead).toBe(0);
  });

  it('has a message that came back stored once, and forgets that it was counted', async () => {
    const before = await database.stored(tenantId);
    const holder = await database.connect();
    await holder.query(`BEGIN; LOCK TABLE ${partitionOf(tenantId)} IN SHARE MODE`);
    await program.api.send(tenantId, 'comes back');
    await killTheTaker(2, 1);
    await holder.end();
    await eventually(async () => expect(await database.stored(tenantId)).toBe(before + 1));
    await eventually(async () => expect(await counted()).toBe(0));
    await letters(0);
  });

  it('has messages set aside that killed their consumer DEAD_LETTER_AFTER times, with an id or without', async () => {
    const before = await database.stored(tenantId);
    const holder = await database.connect();
    await holder.query(`BEGIN; LOCK TABLE ${partitionOf(tenantId)} IN SHARE MODE`);
    const id = await program.api.send(tenantId, { kills: 'with an id' });
    await broker.publish(tenantId, '{"kills":"without"}');
    await killTheTaker(DEAD_LETTER_AFTER, 2);

    const dead = await letters(2);
    expect(dead.map(({ body }) => body).toSorted()).toEqual([
      '{"kills":"with an id"}',
      '{"kills":"without"}',
    ]);
    expect(dead.map((letter) => letter.id)).toContain(id);
    for (const { attempts, reason } of dead) {
      expect(attempts).toBe(DEAD_LETTER_AFTER);
      expect(reason).toMatch(/killing its consumer/);
    }
    expect((await broker.queue(tenantId))?.ready).toBe(0);
    await eventually(async () => expect(await counted()).toBe(0));
    await eventually(async () => {
      const text = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`;
      expect(await database.rows(text)).toHaveLength(0);
    });
    await holder.end();
    expect(await database.stored(tenantId)).toBe(before);
  });
});
