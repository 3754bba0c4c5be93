import type { PostgresServer } from '@app/local-stack';
import { Client } from 'pg';
import { freezeAll, resumeAll } from './freeze';

/** The role that the program connects as: one that the server's limits hold for. */
export const ROLE = 'served';

/** What may happen to a program's database, for real. */
export interface DatabaseOutage {
  readonly kind: string;
  /** What readers hear meanwhile: from a standby they can still be served. */
  readonly reads: 200 | 503;
  begin(postgres: PostgresServer, databaseUrl: string): Promise<void>;
  end(postgres: PostgresServer, databaseUrl: string): Promise<void>;
}

async function end(postgres: PostgresServer, signal: NodeJS.Signals): Promise<void> {
  const { exited } = postgres;
  postgres.kill(signal);
  await exited;
}

/** Runs statements, and then has all sessions of the program begin anew. */
async function decree(databaseUrl: string, ...statements: string[]): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [
    ROLE,
  ]);
  await client.end();
}

const nameOf = (databaseUrl: string): string => new URL(databaseUrl).pathname.slice(1);

export const databaseOutages: readonly DatabaseOutage[] = [
  {
    kind: 'stopped',
    reads: 503,
    begin: (postgres) => end(postgres, 'SIGINT'),
    end: (postgres) => postgres.restart(),
  },
  {
    kind: 'killed',
    reads: 503,
    begin: (postgres) => end(postgres, 'SIGKILL'),
    end: (postgres) => postgres.restart(),
  },
  {
    kind: 'frozen',
    reads: 503,
    begin: ({ pid }) => {
      freezeAll(pid);
      return Promise.resolve();
    },
    end: ({ pid }) => {
      resumeAll(pid);
      return Promise.resolve();
    },
  },
  {
    // SQLSTATE 53300.
    kind: 'out of connections',
    reads: 503,
    begin: (_, url) => decree(url, `ALTER ROLE ${ROLE} CONNECTION LIMIT 0`),
    end: (_, url) => decree(url, `ALTER ROLE ${ROLE} CONNECTION LIMIT -1`),
  },
  {
    // SQLSTATE 25006. The sessions that are opened meanwhile stay read-only: nobody ends them.
    kind: 'read-only after a failover',
    reads: 200,
    begin: (_, url) =>
      decree(url, `ALTER DATABASE ${nameOf(url)} SET default_transaction_read_only = on`),
    end: async (_, url) => {
      const client = new Client({ connectionString: url });
      await client.connect();
      await client.query('SET default_transaction_read_only = off');
      await client.query(`ALTER DATABASE ${nameOf(url)} RESET default_transaction_read_only`);
      await client.end();
    },
  },
];
