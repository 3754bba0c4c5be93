import type { Client } from 'pg';

export interface LockSample {
  /** How many transactions have the table `messages` open for reading or writing. */
  readonly users: number;
  /** Modes in which a parent table, or a group of its partitions, is held or waited for. */
  readonly modes: readonly string[];
  /** Statements that store, and wait for a table. */
  readonly waitingInserts: readonly string[];
}

const SAMPLE = `
  SELECT
    (SELECT count(DISTINCT pid)::int FROM pg_locks
     WHERE relation = 'messages'::regclass AND mode = 'RowExclusiveLock') AS users,
    ARRAY(SELECT DISTINCT mode FROM pg_locks
      JOIN pg_class ON pg_class.oid = relation AND relkind = 'p'
      WHERE relname ~ '^(messages|dead_letters)') AS modes,
    ARRAY(SELECT query FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'
        AND wait_event = 'relation'
        AND query ~ '^\\s*INSERT INTO (messages|dead_letters)') AS "waitingInserts"`;

/** Looks at the locks on the partitioned tables again and again until told to stop. */
export async function sampleParentLocks(
  client: Client,
  goesOn: () => boolean,
): Promise<LockSample[]> {
  const samples: LockSample[] = [];
  while (goesOn()) {
    const { rows } = await client.query<LockSample>(SAMPLE);
    samples.push(...rows);
  }
  return samples;
}
