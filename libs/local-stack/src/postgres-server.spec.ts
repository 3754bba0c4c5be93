import { Client } from 'pg';
import { LocalStack } from './local-stack';
import type { PostgresServer } from './postgres-server';

let stack: LocalStack;
let postgres: PostgresServer;

beforeAll(async () => {
  stack = await LocalStack.start({ only: ['postgres'] });
  if (!stack.postgres) throw new Error('It was asked for');
  postgres = stack.postgres;
}, 60_000);

afterAll(() => stack.stop());

async function query(sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(sql);
  await client.end();
  return rows;
}

it('keeps what was committed when it is killed', async () => {
  await query('CREATE TABLE kept AS SELECT 1 AS n');
  postgres.kill('SIGKILL');
  await postgres.exited;
  await postgres.restart();
  await expect(query('SELECT n FROM kept')).resolves.toEqual([{ n: 1 }]);
});

it('makes every commit durable', async () => {
  await expect(query('SHOW fsync')).resolves.toEqual([{ fsync: 'on' }]);
});
