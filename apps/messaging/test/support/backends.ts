import type { TestDatabase } from './database';
import { eventually } from './eventually';

/**
 * Waits until a connection of the program waits for a lock in a statement that matches `query`.
 *
 * @returns the process id of its backend
 */
export function stuckBackend(database: TestDatabase, query: RegExp): Promise<number> {
  return eventually(async () => {
    const stuck = await database.rows<{ pid: number; query: string }>(
      `SELECT pid, query FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'messaging'
         AND wait_event_type = 'Lock'`,
    );
    const backend = stuck.find((row) => query.test(row.query));
    expect(backend).toBeDefined();
    return backend?.pid as number;
  });
}

/**
 * Ends what a killed program left running in the server: a backend that waits for a lock does not
 * notice that nobody listens any more. This is what a restart of PostgreSQL does to it.
 */
export async function endBackendsOfKilled(database: TestDatabase): Promise<void> {
  const ofProgram = `datname = current_database() AND application_name = 'messaging'`;
  await database.rows(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${ofProgram}`);
  await eventually(async () =>
    expect(await database.rows(`SELECT FROM pg_stat_activity WHERE ${ofProgram}`)).toEqual([]),
  );
}
