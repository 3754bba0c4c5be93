import { Injectable, Logger } from '@nestjs/common';
import type { Pool, PoolClient, QueryResultRow } from 'pg';
import { DataSource } from 'typeorm';

/** A statement under a name: prepared once per connection, then only bound and run. */
export interface Statement {
  readonly name: string;
  readonly text: string;
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
    const { rows } = await this.pool().query<Row>({ ...statement, values });
    return rows;
  }

  /** The same for a statement that changes rows: says how many it changed. */
  async change(statement: Statement, values: unknown[]): Promise<number> {
    const { rowCount } = await this.pool().query({ ...statement, values });
    return rowCount ?? 0;
  }

  /** The connections of this process, and who waits for one. */
  get connections(): { total: number; idle: number; waiting: number } {
    if (!this.dataSource.isInitialized) return { total: 0, idle: 0, waiting: 0 };
    const { totalCount: total, idleCount: idle, waitingCount: waiting } = this.pool();
    return { total, idle, waiting };
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
