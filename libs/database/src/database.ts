import { Injectable, Logger } from '@nestjs/common';
import type { Pool, PoolClient, QueryResultRow } from 'pg';
import { DataSource } from 'typeorm';
import { isSessionStale } from './database-errors';

/** A statement under a name: prepared once per connection, then only bound and run. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** How long it may take, where that is longer than what a caller of HTTP waits. */
  readonly withinMs?: number;
}

/**
 * The way to PostgreSQL for what TypeORM's repositories cannot say: named statements, and work on a
 * connection of its own. Both use TypeORM's pool, so that one number bounds a process's connections.
 */
@Injectable()
export class Database {
  private readonly logger = new Logger(Database.name);

  constructor(private readonly dataSource: DataSource) {}

  /**
   * Runs one named statement in a transaction of its own. A connection whose statement timed out is
   * closed rather than used again: `pg`'s pool drops a client that is released with an error.
   */
  async run<Row extends QueryResultRow>(statement: Statement, values: unknown[]): Promise<Row[]> {
    const pool = this.pool();
    const { name, text, withinMs } = statement;
    const limit = withinMs === undefined ? {} : { query_timeout: withinMs };
    try {
      return (await pool.query<Row>({ name, text, values, ...limit })).rows;
    } catch (error) {
      if (isSessionStale(error)) closeIdle(pool);
      throw error;
    }
  }

  /** Does `work` in one transaction; rolled back when it throws. */
  transaction<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    return this.onOneConnection(async (client) => {
      await client.query('BEGIN');
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    });
  }

  /**
   * Does `work` on one connection, outside of any transaction. After an error the connection is
   * closed: that ends what it had open, a transaction and advisory locks included.
   */
  async onOneConnection<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    const client = await this.pool().connect();
    let failure: Error | undefined;
    client.on('error', this.onClientError);
    try {
      return await work(client);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      client.off('error', this.onClientError);
      client.release(failure);
    }
  }

  /** A client that is checked out reports a lost connection by an event as well as to its caller. */
  private readonly onClientError = (error: Error): void => {
    this.logger.warn(`A connection to the database was lost: ${error.message}`);
  };

  private pool(): Pool {
    const { master } = this.dataSource.driver as unknown as { master?: Pool };
    if (!this.dataSource.isInitialized || !master) throw new Error('Driver not Connected');
    return master;
  }
}

/**
 * What ails one session ails those that were opened with it: after a failover they stay with the
 * server that is read-only now. Found out one by one, each would cost a try and its pause.
 */
function closeIdle(pool: Pool): void {
  for (let idle = pool.idleCount; idle > 0; idle--) {
    pool.connect().then(
      (client) => client.release(true),
      () => undefined,
    );
  }
}
