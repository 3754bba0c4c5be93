import type { Answer } from './support/api';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { expectProblem } from './support/problem';
import { Program } from './support/program';
import { head, RawClient } from './support/raw-client';

const MIB = 1024 * 1024;

/** Of all bodies together. */
const MOST_BYTES = 64 * MIB;
const BATCH_BYTES = 8 * MIB;

describe('many large bodies at a time', () => {
  let database: TestDatabase;
  let program: Program;
  let tenantId: string;

  beforeAll(async () => {
    database = await TestDatabase.create();
    program = await Program.start({ databaseUrl: database.url });
    tenantId = await program.api.createTenant();
  });

  afterAll(async () => {
    await RawClient.closeAll();
    await Program.killAll();
    await database.drop();
  });

  const batchPath = (): string => `/api/tenants/${tenantId}/messages/batch`;

  /** 2 MiB of messages. */
  const sendLarge = (): Promise<Answer> => {
    const messages = Array.from({ length: 20 }, () => ({ payload: 'x'.repeat(MIB / 10) }));
    return program.api.request('POST', batchPath(), { messages });
  };

  /** Announces a whole batch, and sends all but the last byte of it, or nothing. */
  async function begin(bytes: number): Promise<void> {
    const client = await RawClient.connect(program.port);
    await client.write(head(batchPath(), `content-length: ${BATCH_BYTES}`) + ' '.repeat(bytes));
  }

  it('are refused beyond 64 MiB, until there is room; small ones are not', async () => {
    for (let sent = 0; sent < MOST_BYTES - 2 * BATCH_BYTES; sent += BATCH_BYTES)
      await begin(BATCH_BYTES - 1);
    // What was only announced takes nothing from anybody.
    for (let announced = 0; announced < 10; announced++) await begin(0);
    expect((await sendLarge()).status).toBe(202);

    for (let sent = 0; sent < 2 * BATCH_BYTES; sent += BATCH_BYTES) await begin(BATCH_BYTES - 1);
    await eventually(async () => {
      const refused = await sendLarge();
      expect(expectProblem(refused, 503).type).toBe('urn:messaging:problem:overloaded');
      expect(refused.headers.get('retry-after')).toBe('1');
    });
    await program.api.send(tenantId, 'small');

    await RawClient.closeAll();
    await eventually(async () => {
      expect((await sendLarge()).status).toBe(202);
    });
  });
});
