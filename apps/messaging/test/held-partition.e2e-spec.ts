import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from './support/api';
import { TestBroker } from './support/broker';
import { partitionOf, TestDatabase } from './support/database';
import { eventually, throughout } from './support/eventually';
import { detachByHand } from './support/partitions';
import { Program } from './support/program';
import { StoringLock } from './support/storing-lock';

const WORKERS = 3;
const MANY_WORKERS = 20;
const SENT = 60;
/** At once with so many workers, and more than tenants may wait apart. */
const DEAD = 40;
const LARGE = 10;
/** More than there are connections. */
const READERS = 15;
const FLOOD = 500;

/** One wait for the lock, whatever is shared with it. */
const floodWithin = { withinMs: 5_000 };

/** Long enough for several tries, and for others to notice. */
const HELD_MS = 6_000;

/** The wait for a lock, and a commit. */
const soon = { withinMs: 3_000 };

describe('while somebody holds the partition of a tenant', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;
  let tenantId: string;
  let others: string[];

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    // The first redelivery would make a dead letter.
    const env = { DEAD_LETTER_AFTER: '1' };
    program = await Program.start({ databaseUrl: database.url, env });
    others = [
      await program.api.createTenant(WORKERS),
      await program.api.createTenant(MANY_WORKERS),
    ];
  });

  afterEach(() => StoringLock.releaseAll());

  afterAll(async () => {
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  async function expectStoredSoon(other: string): Promise<void> {
    const before = await database.stored(other);
    await program.api.send(other, 'of another tenant');
    await eventually(async () => expect(await database.stored(other)).toBe(before + 1), soon);
  }

  async function expectOthersGoOn(): Promise<void> {
    for (const other of others) await expectStoredSoon(other);
  }

  async function storedOf(tenantIds: readonly string[]): Promise<number[]> {
    const counts: number[] = [];
    for (const each of tenantIds) counts.push(await database.stored(each));
    return counts;
  }

  const dead = async (): Promise<unknown[]> => {
    const path = `/api/tenants/${tenantId}/dead-letters`;
    return (await program.api.get<Page<unknown>>(path)).body.data;
  };

  it.each([WORKERS, MANY_WORKERS])(
    'the messages of others are stored, and its own wait as they are (%d workers)',
    async (workers) => {
      tenantId = await program.api.createTenant(workers);
      const lock = await StoringLock.hold(database, tenantId, 'SHARE');
      const ids = await program.api.sendBatch(tenantId, [...Array(SENT).keys()]);
      await throughout(delay(HELD_MS), expectOthersGoOn);
      expect(await database.stored(tenantId)).toBe(0);
      expect(await broker.queue(tenantId)).toEqual({ ready: SENT - workers, consumers: 1 });

      await lock.release();
      await eventually(async () => expect(await database.stored(tenantId)).toBe(SENT));
      const stored = (await program.api.allMessages(tenantId)).map(({ id }) => id);
      expect(stored.toSorted()).toEqual(ids.toSorted());
      expect(await dead()).toEqual([]);
    },
  );

  /** Only with its first dead letter a tenant has a partition for them, which is held from then on. */
  async function holdDeadLetters(): Promise<StoringLock> {
    await broker.publish(tenantId, 'no JSON', { messageId: randomUUID() });
    await eventually(async () => expect(await dead()).toHaveLength(1));
    return StoringLock.holdTable(database, partitionOf(tenantId, 'dead_letters'), 'SHARE');
  }

  async function expectKeptAfterwards(lock: StoringLock): Promise<void> {
    await throughout(delay(HELD_MS), expectOthersGoOn);
    expect(await dead()).toHaveLength(1);
    await lock.release();
    await eventually(async () => expect(await dead()).toHaveLength(1 + DEAD));
  }

  it('the same holds for its dead letters', async () => {
    tenantId = await program.api.createTenant(MANY_WORKERS * 2);
    const lock = await holdDeadLetters();
    for (let left = DEAD; left > 0; left--)
      await broker.publish(tenantId, 'no JSON either', { messageId: randomUUID() });
    await expectKeptAfterwards(lock);
  });

  it('and for those that are set aside since they came too often', async () => {
    tenantId = await program.api.createTenant(DEAD);
    const lock = await holdDeadLetters();
    await program.api.pauseAndWait(tenantId);
    await program.api.sendBatch(tenantId, [...Array(DEAD).keys()]);
    // Once is too often here.
    await broker.waiting(tenantId, DEAD);
    await program.api.resume(tenantId);
    await expectKeptAfterwards(lock);
  });

  it('and while its partition is detached as well', async () => {
    tenantId = await program.api.createTenant(WORKERS);
    await detachByHand(database, tenantId);
    const lock = await StoringLock.hold(database, tenantId, 'SHARE');
    await program.api.sendBatch(tenantId, [...Array(SENT).keys()]);
    await throughout(delay(HELD_MS), expectOthersGoOn);

    await lock.release();
    await eventually(async () => expect(await database.stored(tenantId)).toBe(SENT));
    expect(await dead()).toEqual([]);
  });

  it('those of others are read, however many ask for its own, which nobody may read', async () => {
    tenantId = await program.api.createTenant(WORKERS);
    await StoringLock.hold(database, tenantId);
    const isOver = new AbortController();
    const path = `/api/tenants/${tenantId}/messages`;
    const statuses = new Set<number>();
    const reader = async (): Promise<void> => {
      while (!isOver.signal.aborted) statuses.add(await program.api.status(path));
    };
    const readers = Array.from({ length: READERS }, reader);
    await throughout(delay(HELD_MS), async () => {
      for (const other of others)
        expect(await program.api.status(`/api/tenants/${other}/messages`)).toBe(200);
      await expectOthersGoOn();
    });
    isOver.abort();
    await Promise.all(readers);
    expect([...statuses]).toEqual([503]);
  });

  it('the large ones go on as well that have as much to store, and share their batches', async () => {
    const large: string[] = [];
    while (large.length < LARGE) large.push(await program.api.createTenant(MANY_WORKERS * 5));
    for (const each of large) await program.api.pauseAndWait(each);
    for (const each of large) await program.api.sendBatch(each, [...Array(FLOOD).keys()]);
    const [held = '', ...rest] = large;
    await StoringLock.hold(database, held, 'SHARE');
    for (const each of large) await program.api.resume(each);
    await eventually(async () => {
      expect(await storedOf(rest)).toEqual(rest.map(() => FLOOD));
    }, floodWithin);
    expect(await database.stored(held)).toBe(0);
    await StoringLock.releaseAll();
    await eventually(async () => expect(await database.stored(held)).toBe(FLOOD));
  });

  it('and all the others, everything waits, and is stored once when that is over', async () => {
    tenantId = await program.api.createTenant(WORKERS);
    const all = [tenantId, ...others];
    const before = await storedOf(all);
    const lock = await StoringLock.holdTable(database, 'messages', 'SHARE');
    for (const each of all) await program.api.sendBatch(each, [...Array(SENT).keys()]);
    await delay(HELD_MS);
    expect(await storedOf(all)).toEqual(before);

    await lock.release();
    await eventually(async () => {
      expect(await storedOf(all)).toEqual(before.map((count) => count + SENT));
    });
    expect(await dead()).toEqual([]);
  });

  it('it stops within its time, and what waits is back in the queue', async () => {
    tenantId = await program.api.createTenant(WORKERS);
    await StoringLock.hold(database, tenantId, 'SHARE');
    await program.api.sendBatch(tenantId, [1, 2, 3, 4, 5]);
    await throughout(delay(HELD_MS / 2), expectOthersGoOn);
    expect(await program.stop()).toEqual({ code: 0, signal: null });
    await eventually(async () =>
      expect(await broker.queue(tenantId)).toEqual({ ready: 5, consumers: 0 }),
    );
  });
});
