import { cursorAt } from '../src/messages/message-cursor';
import type { ProblemBody } from './support/api';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { Program } from './support/program';

/** A transaction that no cluster of this test has come to: one of the time before a restore. */
const LOST = { storedXid: String(2n ** 40n), id: '0192f0c1-2345-7abc-8def-0123456789ab' };

describe('a reader of a database that was restored to an earlier state', () => {
  let database: TestDatabase;
  let program: Program;
  let tenantId: string;

  beforeAll(async () => {
    database = await TestDatabase.create();
    program = await Program.start({ databaseUrl: database.url });
    tenantId = await program.api.createTenant();
    await program.api.send(tenantId, 'stored');
    await eventually(async () => expect(await database.stored(tenantId)).toBe(1));
  });

  afterAll(async () => {
    await Program.killAll();
    await database.drop();
  });

  const path = (cursor: string): string =>
    `/api/tenants/${tenantId}/messages?order=asc&cursor=${cursor}`;

  it('is told so, rather than kept waiting while messages go by', async () => {
    const { status, body } = await program.api.get<ProblemBody>(
      path(cursorAt(tenantId, 'asc', LOST)),
    );
    expect(status).toBe(400);
    expect(body.type).toContain('invalid-cursor');
    expect(body.detail).toContain('restored');
  });

  it('goes on from any cursor that this database gave out', async () => {
    const page = await eventually(async () => {
      const first = await program.api.messages(tenantId, '?order=asc');
      expect(first.data).toHaveLength(1);
      return first;
    });
    const last = page.next_cursor as string;
    const { status, body } = await program.api.get(path(last));
    expect(status).toBe(200);
    expect(body).toEqual({ data: [], next_cursor: last });
  });
});
