import { randomUUID } from 'node:crypto';
import type { Page } from './support/api';
import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { Program } from './support/program';

const PAGE_BYTES = 8 * 1024 * 1024;
/** As large as a message may be. */
const MESSAGE_BYTES = 262_144;
const SENT = 60;
/** Over AMQP the broker's limit holds, and not ours. */
const DEAD_BYTES = 3 * 1024 * 1024;
const DEAD = 6;

interface Item {
  readonly id: string;
}

describe('a page of large messages', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;
  let tenantId: string;
  const sent: string[] = [];

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    program = await Program.start({ databaseUrl: database.url });
    tenantId = await program.api.createTenant(3);
    for (let left = SENT; left > 0; left -= 20) {
      const payloads = Array.from({ length: 20 }, () => 'x'.repeat(MESSAGE_BYTES - 2));
      sent.push(...(await program.api.sendBatch(tenantId, payloads)));
    }
    await eventually(async () => expect(await database.stored(tenantId)).toBe(SENT));
  });

  afterAll(async () => {
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  /** All pages with the largest `limit`, until nothing more comes. */
  async function pages(path: string): Promise<string[][]> {
    const found: string[][] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const { status, body } = await program.api.get<Page<Item>>(`${path}${query}`);
      expect(status).toBe(200);
      if (body.data.length === 0) break;
      found.push(body.data.map(({ id }) => id));
      cursor = body.next_cursor;
    }
    return found;
  }

  it.each(['desc', 'asc'])('ends early, and the next one goes on behind it (%s)', async (order) => {
    const path = `/api/tenants/${tenantId}/messages?limit=200&order=${order}`;
    const found = await pages(path);
    expect(found.flat().toSorted()).toEqual(sent.toSorted());
    const fit = Math.ceil(PAGE_BYTES / MESSAGE_BYTES);
    expect(found.map((page) => page.length)).toEqual([fit, SENT - fit]);
  });

  it('of one message is a page as well', async () => {
    const path = `/api/tenants/${tenantId}/messages?limit=1`;
    const { body } = await program.api.get<Page<Item>>(path);
    expect(body.data).toHaveLength(1);
    expect(body.next_cursor).not.toBeNull();
  });

  it('holds for dead letters too', async () => {
    const ids = Array.from({ length: DEAD }, () => randomUUID());
    const body = Buffer.alloc(DEAD_BYTES, 'no JSON ');
    for (const messageId of ids) await broker.publish(tenantId, body, { messageId });
    const path = `/api/tenants/${tenantId}/dead-letters?limit=200`;
    await eventually(async () => {
      const found = await pages(path);
      expect(found.flat().toSorted()).toEqual(ids.toSorted());
      expect(found.length).toBeGreaterThan(1);
    });
  });
});
