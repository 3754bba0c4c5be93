import type { Client } from 'pg';
import type { MessageBody, Page, ProblemBody } from './support/api';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { Program } from './support/program';
import { follow } from './support/follower';
import { costOfPage } from './support/page-cost';
import { storeRow, storeRows } from './support/stored-rows';

const NOBODY = '0192f0c1-2345-7abc-8def-0123456789ab';

describe('reading', () => {
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

  /** A tenant whose messages carry 1 to `count`, each stored after the one before. */
  const tenantWith = async (count: number): Promise<string> => {
    const tenantId = await program.api.createTenant();
    for (let n = 1; n <= count; n++) await storeRow(database.client, tenantId, n);
    return tenantId;
  };

  const payloads = (messages: readonly MessageBody[]): unknown[] =>
    messages.map(({ payload }) => payload);

  const page = (
    tenantId: string,
    query: Record<string, string | number>,
  ): Promise<Page<MessageBody>> => {
    const parameters = Object.entries(query).map(([name, value]) => `${name}=${value}`);
    return program.api.messages(tenantId, `?${parameters.join('&')}`);
  };

  /** Every page down to the one without a `next_cursor`. */
  const backwards = async (tenantId: string, limit: number): Promise<MessageBody[][]> => {
    const pages: MessageBody[][] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const next: Page<MessageBody> = await page(tenantId, { limit, ...(cursor && { cursor }) });
      pages.push(next.data);
      cursor = next.next_cursor;
    }
    return pages;
  };

  describe('backwards', () => {
    it('begins with the newest and ends without a cursor', async () => {
      const tenantId = await tenantWith(7);
      const pages = await backwards(tenantId, 3);
      expect(pages.map(payloads)).toEqual([[7, 6, 5], [4, 3, 2], [1]]);
    });

    it('has no empty page after a full last one', async () => {
      const tenantId = await tenantWith(6);
      expect((await backwards(tenantId, 3)).map(payloads)).toEqual([
        [6, 5, 4],
        [3, 2, 1],
      ]);
    });

    it('goes on where it was, whatever was stored meanwhile', async () => {
      const tenantId = await tenantWith(4);
      const first = await page(tenantId, { limit: 2, order: 'desc' });
      await storeRow(database.client, tenantId, 5);
      const second = await page(tenantId, { limit: 2, cursor: String(first.next_cursor) });
      expect([first, second].map(({ data }) => payloads(data))).toEqual([
        [4, 3],
        [2, 1],
      ]);
      expect(second.next_cursor).toBeNull();
    });
  });

  describe('forwards', () => {
    it('begins with the oldest and always says where to go on', async () => {
      const tenantId = await tenantWith(3);
      const all = await page(tenantId, { order: 'asc' });
      expect(payloads(all.data)).toEqual([1, 2, 3]);
      const cursor = String(all.next_cursor);
      expect(cursor).toMatch(/^[\w-]+$/);

      const empty = await page(tenantId, { order: 'asc', cursor });
      expect(empty).toEqual({ data: [], next_cursor: cursor });
      await storeRow(database.client, tenantId, 4);
      const more = await page(tenantId, { order: 'asc', cursor });
      expect(payloads(more.data)).toEqual([4]);
    });

    it('sees every message once, however late and out of order writers commit', async () => {
      const tenantId = await program.api.createTenant();
      const writers = await Promise.all(Array.from({ length: 6 }, () => database.connect()));
      const follower = follow(program, tenantId);
      const committed: string[] = [];
      for (let round = 0; round < 15; round++) {
        const transactions = await beginAll(writers, tenantId, round);
        for (const { writer, stored } of shuffled(transactions)) {
          await writer.query('COMMIT');
          committed.push(...stored);
          await follower.asksAgain();
        }
      }
      await eventually(() => expect(follower.seen.length).toBeGreaterThanOrEqual(committed.length));
      await follower.stop();
      await Promise.all(writers.map((writer) => writer.end()));

      // They did commit in another order than they were stored in, and were read meanwhile.
      expect(committed).not.toEqual(follower.seen);
      expect(follower.pages).toBeGreaterThan(10);
      expect([...follower.seen].sort()).toEqual([...committed].sort());
      expect(payloads(await program.api.allMessages(tenantId))).toEqual(follower.seen);
    });
  });

  it.each(['asc', 'desc'])('loses and repeats none of one moment (%s)', async (order) => {
    const tenantId = await program.api.createTenant();
    await storeRows(database, tenantId, 100);
    const seen: unknown[] = [];
    let cursor: string | null = '';
    for (let pages = 0; pages < 15; pages++) {
      const next: Page<MessageBody> = await page(tenantId, {
        order,
        limit: 7,
        ...(cursor && { cursor }),
      });
      seen.push(...payloads(next.data));
      cursor = next.next_cursor;
    }
    expect(seen).toHaveLength(100);
    expect(new Set(seen).size).toBe(100);
  });

  it('returns 50 unless told otherwise, and 1 to 200 when told', async () => {
    const tenantId = await program.api.createTenant();
    await storeRows(database, tenantId, 201);
    expect((await page(tenantId, {})).data).toHaveLength(50);
    expect((await page(tenantId, { limit: 1 })).data).toHaveLength(1);
    expect((await page(tenantId, { limit: 200, order: 'asc' })).data).toHaveLength(200);
  });

  it('has no cursor to give where nothing is, and 404 where nobody is', async () => {
    const tenantId = await program.api.createTenant();
    for (const order of ['asc', 'desc']) {
      expect(await page(tenantId, { order })).toEqual({ data: [], next_cursor: null });
      expect(await program.api.status(`/api/tenants/${NOBODY}/messages?order=${order}`)).toBe(404);
    }
    expect(await program.api.status(`/api/tenants/${tenantId}/messages/${NOBODY}`)).toBe(404);
    expect(await program.api.status(`/api/tenants/${NOBODY}/messages/${NOBODY}`)).toBe(404);
  });

  it('keeps tenants apart', async () => {
    const [one, other] = [await tenantWith(1), await tenantWith(2)];
    const [message] = (await page(one, {})).data;
    expect(payloads((await page(other, {})).data)).toEqual([2, 1]);
    expect(await program.api.status(`/api/tenants/${one}/messages/${message?.id}`)).toBe(200);
    expect(await program.api.status(`/api/tenants/${other}/messages/${message?.id}`)).toBe(404);
  });

  describe('a cursor', () => {
    let tenantId: string;
    let other: string;
    const cursorOf = async (id: string, order: string): Promise<string> =>
      String((await page(id, { limit: 1, order })).next_cursor);

    beforeAll(async () => {
      tenantId = await tenantWith(2);
      other = await tenantWith(2);
    });

    const foreign: [string, () => Promise<string>][] = [
      ['of another tenant', () => cursorOf(other, 'desc')],
      ['of the other order', () => cursorOf(tenantId, 'asc')],
      ['of the list of tenants', () => cursorOfTenants(program)],
      ['cut short', async () => (await cursorOf(tenantId, 'desc')).slice(0, -1)],
      ['made longer', async () => `${await cursorOf(tenantId, 'desc')}A`],
      [
        'with another first character',
        async () => `B${(await cursorOf(tenantId, 'desc')).slice(1)}`,
      ],
      ['made up', () => Promise.resolve('AAAA')],
      ['that is a number', () => Promise.resolve('1')],
      ['of other characters', () => Promise.resolve('%F0%9F%91%8B')],
      ['that is empty', () => Promise.resolve('')],
      ['of 10,000 characters', () => Promise.resolve('A'.repeat(10_000))],
    ];
    it.each(foreign)('%s is refused by name', async (_, make) => {
      const path = `/api/tenants/${tenantId}/messages?order=desc&cursor=${await make()}`;
      const { status, body } = await program.api.get<ProblemBody>(path);
      expect(status).toBe(400);
      expect(body.errors?.map(({ field }) => field)).toEqual(['cursor']);
    });

    it('is good for its own list, after a restart too', async () => {
      const [older, newer] = [await cursorOf(tenantId, 'desc'), await cursorOf(tenantId, 'asc')];
      const tenants = await cursorOfTenants(program);
      await program.stop();
      program = await Program.start({ databaseUrl: database.url });
      expect(payloads((await page(tenantId, { cursor: older })).data)).toEqual([1]);
      expect(payloads((await page(tenantId, { order: 'asc', cursor: newer })).data)).toEqual([2]);
      expect(await program.api.status(`/api/tenants?limit=1&cursor=${tenants}`)).toBe(200);
    });
  });

  it.each([
    { order: 'asc', statistics: 'ANALYZE messages' },
    { order: 'desc', statistics: 'ANALYZE messages' },
    { order: 'asc', statistics: undefined },
    { order: 'desc', statistics: undefined },
  ] as const)('costs the same at any depth ($order, $statistics)', async (row) => {
    const { order, statistics } = row;
    const tenantId = await program.api.createTenant();
    await storeRows(database, tenantId, 50_000);
    if (statistics) await database.rows(statistics);
    const costs = [];
    for (const depth of [1, 25_000, 49_900]) {
      costs.push(await costOfPage(database, tenantId, order, depth));
    }
    const [top] = costs;
    for (const { rows, nodes, buffers } of costs) {
      expect(rows).toBe(51);
      expect(nodes).toContain('Index Scan');
      expect(nodes.filter((node) => /Sort|Seq Scan|Bitmap/.test(node))).toEqual([]);
      // A row may lie in a page of its own; what is skipped costs nothing.
      expect(buffers).toBeLessThanOrEqual((top?.buffers ?? 0) + 60);
    }
  });
});

async function cursorOfTenants({ api }: Program): Promise<string> {
  const { body } = await api.get<Page<unknown>>('/api/tenants?limit=1');
  return String(body.next_cursor);
}

interface OpenTransaction {
  readonly writer: Client;
  readonly stored: string[];
}

/** Every writer stores one to three messages and does not commit. */
async function beginAll(
  writers: readonly Client[],
  tenantId: string,
  round: number,
): Promise<OpenTransaction[]> {
  const open: OpenTransaction[] = [];
  for (const [index, writer] of writers.entries()) {
    const stored = Array.from({ length: 1 + (index % 3) }, (_, n) => `${round}.${index}.${n}`);
    await writer.query('BEGIN');
    for (const payload of stored) await storeRow(writer, tenantId, payload);
    open.push({ writer, stored });
  }
  return open;
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
