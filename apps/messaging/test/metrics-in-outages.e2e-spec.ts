import { LocalStack, type PostgresServer } from '@app/local-stack';
import { TestDatabase } from './support/database';
import { databaseOutages } from './support/database-outages';
import { eventually } from './support/eventually';
import { Scrape } from './support/metrics';
import { Program } from './support/program';

/** One that refuses at once, and one that never answers. */
const OUTAGES = databaseOutages.filter(({ kind }) => ['stopped', 'frozen'].includes(kind));

describe('the metrics, while the database is away', () => {
  let stack: LocalStack;
  let postgres: PostgresServer;
  let database: TestDatabase;
  let program: Program;

  beforeAll(async () => {
    stack = await LocalStack.start({ only: ['postgres'] });
    postgres = stack.postgres as PostgresServer;
    database = await TestDatabase.create(postgres.url);
    program = await Program.start({ databaseUrl: database.url });
  });

  afterAll(async () => {
    await Program.killAll();
    await stack.stop();
  });

  it.each(OUTAGES)('tell how queues grow, and what fails to be stored ($kind)', async (outage) => {
    const name = `goes on while it is ${outage.kind}`;
    const tenantId = await program.api.createTenant(1, name);
    const scrape = (): Promise<Scrape> => Scrape.of(program.api);
    await eventually(async () => {
      expect(await program.api.tenant(tenantId)).toMatchObject({ consumer: { state: 'running' } });
      expect((await scrape()).ofTenants('queue_messages')[name]).toBe(0);
    });
    const tries = (await scrape()).value('store_duration_seconds_count');

    await outage.begin(postgres, database.url);
    await program.api.sendBatch(tenantId, ['is taken', 'waits']);
    const sentAt = Date.now();
    // A round that was under way may tell of the first that waits; of the others one that began later.
    for (const waiting of [1, 2, 3]) {
      await eventually(async () => {
        expect((await scrape()).ofTenants('queue_messages')[name]).toBe(waiting);
      });
      await program.api.send(tenantId, 'waits');
    }
    await eventually(async () => {
      const waited = (Date.now() - sentAt) / 1000;
      const now = await scrape();
      const age = now.ofTenants('oldest_waiting_message_age_seconds')[name];
      expect(age).toBeGreaterThanOrEqual(waited);
      expect(now.value('store_duration_seconds_count')).toBeGreaterThan(tries);
    });

    await outage.end(postgres, database.url);
    await eventually(async () => {
      expect((await scrape()).ofTenants('queue_messages')[name]).toBe(0);
    });
  });
});
