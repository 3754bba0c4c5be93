/**
 * Baseline: pg-boss, a queue in PostgreSQL, with the same payloads in one process. Jobs are inserted a
 * hundred at a time, fetched and completed in large batches, and kept. Its `work` waits half a second
 * between batches; `fetch` and `complete` in a loop are as fast as it gets.
 */
import PgBoss from 'pg-boss';
import { job, report } from '../support/job';
import { payload } from '../support/payload';

const INSERTED_AT_A_TIME = 100;
const INSERTERS = 10;
const FETCHED_AT_A_TIME = 500;

const { databaseUrl, queues, jobs } = job() as {
  databaseUrl: string;
  queues: number;
  jobs: number;
};
const names = Array.from({ length: queues }, (_, index) => `queue-${index}`);

let inserted = 0;
let completed = 0;

async function insert(boss: PgBoss): Promise<void> {
  while (inserted < jobs) {
    const name = names[(inserted / INSERTED_AT_A_TIME) % queues] ?? '';
    inserted += INSERTED_AT_A_TIME;
    const batch = Array.from({ length: INSERTED_AT_A_TIME }, () => ({ name, data: payload() }));
    await boss.insert(batch);
  }
}

async function work(boss: PgBoss, name: string): Promise<void> {
  while (completed < jobs) {
    const found = await boss.fetch(name, { batchSize: FETCHED_AT_A_TIME });
    if (found.length === 0) continue;
    const ids = found.map(({ id }) => id);
    await boss.complete(name, ids);
    completed += ids.length;
  }
}

async function main(): Promise<void> {
  // What is completed is kept, as messages are; each round has tables of its own.
  const schema = `pgboss_${process.pid}`;
  const boss = new PgBoss({ connectionString: databaseUrl, max: 20, schedule: false, schema });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  for (const name of names) await boss.createQueue(name);
  const start = performance.now();
  const inserters = Array.from({ length: INSERTERS }, () => insert(boss));
  await Promise.all([...inserters, ...names.map((name) => work(boss, name))]);
  const rate = (jobs * 1_000) / (performance.now() - start);
  await boss.stop({ graceful: false });
  report({ rate });
}

void main();
