import { randomUUID } from 'node:crypto';
import { queueOf, TestBroker } from './support/broker';
import { partitionOf, TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { Program } from './support/program';
import { StoringLock } from './support/storing-lock';
import type { Page } from './support/api';

interface DeadLetterBody {
  id: string;
  tenant_id: string;
  type: string | null;
  body: string;
  body_encoding?: string;
  reason: string;
  attempts: number;
  accepted_at: string;
  died_at: string;
}

/** One that says itself what came back too often: at once. */
const OF_AN_EARLIER_RELEASE = {
  'x-queue-type': 'quorum',
  'x-single-active-consumer': true,
  'x-dead-letter-exchange': 'messaging.dead-letters',
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
  'x-delivery-limit': 0,
};

describe('a message that can never be stored', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;
  let tenantId: string;

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    program = await start();
  });

  beforeEach(async () => {
    tenantId = await program.api.createTenant();
  });

  afterAll(async () => {
    await Program.killAll();
    await StoringLock.releaseAll();
    await broker.close();
    await database.drop();
  });

  const start = (env: Record<string, string> = {}): Promise<Program> =>
    Program.start({ databaseUrl: database.url, env: { DEAD_LETTER_AFTER: '3', ...env } });

  const now = (): number => performance.now();

  const path = (rest = ''): string => `/api/tenants/${tenantId}/dead-letters${rest}`;

  async function letters(count: number): Promise<DeadLetterBody[]> {
    return eventually(async () => {
      const { status, body } = await program.api.get<Page<DeadLetterBody>>(path());
      expect(status).toBe(200);
      expect(body.data).toHaveLength(count);
      return body.data;
    });
  }

  async function post(rest: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    return program.api.request('POST', path(rest), body);
  }

  it('is listed with its reason, its body as it came', async () => {
    await broker.publish(tenantId, '{"half":', { type: 'text' });
    await broker.publish(tenantId, Buffer.from([0xff, 0xfe, 0x00]), { type: 'bytes' });
    const listed = await letters(2);
    expect(listed).toContainEqual(
      expect.objectContaining({ tenant_id: tenantId, type: 'text', body: '{"half":', attempts: 1 }),
    );
    const bytes = listed.find(({ type }) => type === 'bytes');
    expect(bytes).toMatchObject({ body: '//4A', body_encoding: 'base64' });
    expect(bytes?.reason).toMatch(/UTF-8/);
  });

  it('is listed page by page, the last dead first', async () => {
    for (let index = 0; index < 5; index++) await broker.publish(tenantId, `{${index}`);
    const all = await letters(5);
    const seen: string[] = [];
    let cursor: string | null = '';
    do {
      const query: string = cursor && `&cursor=${cursor}`;
      const { body } = await program.api.get<Page<DeadLetterBody>>(path(`?limit=2${query}`));
      seen.push(...body.data.map(({ id }) => id));
      cursor = body.next_cursor;
    } while (cursor);
    expect(seen).toEqual(all.map(({ id }) => id));
    expect(all.map(({ died_at }) => died_at)).toEqual(
      all.map(({ died_at }) => died_at).toSorted((a, b) => b.localeCompare(a)),
    );
  });

  it('is redriven under its id, and stored when what was wrong has been mended', async () => {
    const partition = partitionOf(tenantId);
    await database.client.query(
      `ALTER TABLE ${partition} ADD CONSTRAINT no_x CHECK (payload <> '"x"')`,
    );
    const id = await program.api.send(tenantId, 'x', 'kept');
    const [letter] = await letters(1);
    expect(letter).toMatchObject({ id, type: 'kept', body: '"x"' });

    await database.client.query(`ALTER TABLE ${partition} DROP CONSTRAINT no_x`);
    expect((await post(`/${id}/redrive`)).status).toBe(202);
    await letters(0);
    const { data } = await eventually(async () => {
      const page = await program.api.messages(tenantId);
      expect(page.data).toHaveLength(1);
      return page;
    });
    expect(data[0]).toMatchObject({ id, type: 'kept', accepted_at: letter?.accepted_at });
  });

  it('stays listed, once, when it dies again', async () => {
    await broker.publish(tenantId, '{');
    const [first] = await letters(1);
    expect((await post(`/${first?.id}/redrive`)).status).toBe(202);
    await eventually(async () => {
      const [again] = await letters(1);
      expect(again?.id).toBe(first?.id);
      expect(again?.died_at).not.toBe(first?.died_at);
    });
  });

  it('is redriven with many others, each of them once', async () => {
    for (let index = 0; index < 60; index++) await broker.publish(tenantId, `{${index}`);
    await letters(50).catch(() => undefined);
    const allAreKept = async (): Promise<void> => {
      // One that was put back is marked, until it has died again or is gone.
      const text = `
        SELECT count(*)::int AS count FROM dead_letters WHERE tenant_id = $1 AND redriven_at IS NULL`;
      expect(await database.rows(text, [tenantId])).toEqual([{ count: 60 }]);
    };
    await eventually(allAreKept);
    expect(await post('/redrive', { limit: 7 })).toMatchObject({
      status: 202,
      body: { redriven: 7 },
    });
    await eventually(allAreKept);
    expect(await post('/redrive', {})).toMatchObject({ status: 202, body: { redriven: 60 } });
  });

  it('is redriven with hundreds of others, and lets live messages through meanwhile', async () => {
    await broker.publish(tenantId, '{');
    await letters(1);
    await database.client.query(
      `INSERT INTO dead_letters (tenant_id, id, body, reason, attempts, accepted_at)
       SELECT $1, gen_random_uuid(), '"mended"', 'was broken', 1, now() FROM generate_series(1, 299)`,
      [tenantId],
    );
    const redriven = post('/redrive', { limit: 300 }).then((answer) => ({ ...answer, at: now() }));
    const id = await program.api.send(tenantId, 'live');
    await eventually(async () => {
      expect(await program.api.status(`/api/tenants/${tenantId}/messages/${id}`)).toBe(200);
    });
    const storedAt = now();
    const { status, body, at } = await redriven;
    expect({ status, body }).toEqual({ status: 202, body: { redriven: 300 } });
    expect(at).toBeGreaterThan(storedAt);
    await eventually(async () => expect(await database.stored(tenantId)).toBe(300));
  });

  it('is not lost when a redrive is cut short, and not listed for good', async () => {
    await broker.publish(tenantId, '{');
    const [first] = await letters(1);
    await program.api.request('DELETE', path(`/${first?.id}`));
    await database.client.query(
      `INSERT INTO dead_letters
         (tenant_id, id, body, reason, attempts, accepted_at, redriven_at)
       VALUES ($1, gen_random_uuid(), '"mended"', 'cut short', 1, now(), now() - interval '1 hour')`,
      [tenantId],
    );
    await eventually(async () => expect(await database.stored(tenantId)).toBe(1));
    await letters(0);
  });

  it('is thrown away', async () => {
    await broker.publish(tenantId, '{');
    const [letter] = await letters(1);
    const remove = (): Promise<{ status: number }> =>
      program.api.request('DELETE', path(`/${letter?.id}`));
    expect((await remove()).status).toBe(204);
    expect((await remove()).status).toBe(404);
    expect((await post(`/${letter?.id}/redrive`)).status).toBe(404);
    await letters(0);
  });

  it('goes with its tenant', async () => {
    await broker.publish(tenantId, '{');
    await letters(1);
    await program.api.remove(tenantId);
    expect((await program.api.get(path())).status).toBe(404);
    await eventually(async () => {
      const text = 'SELECT to_regclass($1) AS partition';
      const [row] = await database.rows<{ partition: string | null }>(text, [
        partitionOf(tenantId, 'dead_letters'),
      ]);
      expect(row?.partition).toBeNull();
    });
  });

  it('is set aside when it has killed its consumer DEAD_LETTER_AFTER times', async () => {
    const lock = await StoringLock.hold(database, tenantId, 'SHARE');
    const id = await program.api.send(tenantId, { kills: true });
    for (let delivery = 1; delivery <= 3; delivery++) {
      await eventually(async () =>
        expect(await broker.queue(tenantId)).toEqual({ ready: 0, consumers: 1 }),
      );
      await program.kill();
      await eventually(async () => expect((await broker.queue(tenantId))?.consumers).toBe(0));
      program = await start();
    }
    const [letter] = await letters(1);
    expect(letter).toMatchObject({ id, body: '{"kills":true}', attempts: 3 });
    expect(letter?.reason).toMatch(/killing its consumer/);
    // The statements of the killed processes are cancelled; they would store it now.
    await eventually(async () => {
      const text = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`;
      expect(await database.rows(text)).toHaveLength(0);
    });
    await lock.release();
    expect(await database.stored(tenantId)).toBe(0);
    expect((await broker.queue(tenantId))?.ready).toBe(0);

    expect((await post(`/${id}/redrive`)).status).toBe(202);
    await eventually(async () => expect(await database.stored(tenantId)).toBe(1));
    await letters(0);
  });

  it('is set aside as well when to look at it takes all memory', async () => {
    await program.stop();
    // Twenty times as large once it is parsed.
    const hungry = `[${'{},'.repeat(3_000_000)}{}]`;
    await broker.publish(tenantId, hungry, { messageId: randomUUID() });
    const cramped = { NODE_OPTIONS: '--max-old-space-size=96' };
    for (let delivery = 1; delivery <= 3; delivery++) {
      const victim = await start(cramped).catch(String);
      const ended =
        typeof victim === 'string' ? victim : `ended with ${(await victim.exited).code}`;
      expect(ended).toMatch(/ended with (null|134)/);
    }
    program = await start(cramped);
    await eventually(async () => {
      const text = 'SELECT attempts FROM dead_letters WHERE tenant_id = $1';
      expect(await database.rows(text, [tenantId])).toEqual([{ attempts: 3 }]);
    });
    await program.stop();
    program = await start();
  });

  it('is not lost when it cannot be kept either, for a reason that nobody knows', async () => {
    await database.client.query(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE 'not today'; END $$`);
    for (const table of ['messages', 'dead_letters']) {
      await database.client.query(`
        CREATE TRIGGER refuse BEFORE INSERT ON ${table} FOR EACH ROW
          WHEN (NEW.tenant_id = '${tenantId}') EXECUTE FUNCTION refuse()`);
    }
    const id = await program.api.send(tenantId, 'accepted');
    await eventually(() => expect(program.output).toMatch(/trying again: not today/));
    await letters(0);
    await database.client.query('DROP FUNCTION refuse CASCADE');
    const [letter] = await letters(1);
    expect(letter).toMatchObject({ id, body: '"accepted"', attempts: 3 });
    await eventually(async () => expect((await broker.queue(tenantId))?.ready).toBe(0));
  });

  it('finds the queue in which it is set aside declared anew when somebody has deleted it', async () => {
    await broker.channel.deleteQueue('messaging.dead-letters');
    await eventually(async () => {
      const queue = await broker.queueNamed('messaging.dead-letters');
      expect(queue?.consumers).toBeGreaterThan(0);
    });
  });

  it('is kept when its queue, of an earlier release, sets it aside by itself', async () => {
    await program.api.pauseAndWait(tenantId);
    await broker.deleteQueue(tenantId);
    await broker.channel.assertQueue(queueOf(tenantId), { arguments: OF_AN_EARLIER_RELEASE });
    const id = await program.api.send(tenantId, { kills: 'once' });
    const lock = await StoringLock.hold(database, tenantId, 'SHARE');
    await program.api.resume(tenantId);
    await eventually(async () =>
      expect(await broker.queue(tenantId)).toEqual({ ready: 0, consumers: 1 }),
    );
    await program.kill();
    program = await start();
    const [letter] = await letters(1);
    expect(letter).toMatchObject({ id, body: '{"kills":"once"}', attempts: 1 });
    expect(letter?.reason).toMatch(/killing its consumer/);
    await lock.release();
  });
});
