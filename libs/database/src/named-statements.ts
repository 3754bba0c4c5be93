import type { Pool, PoolClient, QueryResult, QueryResultRow } from 'pg';
import { closeIdle, onOneConnection } from './connections';
import { isSessionStale } from './database-errors';
import { type Scope, scopedQuery, type TimedConfig } from './scoped-query';

/** A statement under a name: prepared once per connection, then only bound and run. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** How long it may take, where that is longer than what a caller of HTTP waits. */
  readonly withinMs?: number;
  /** How long it may wait for a lock of another session, where that is less. */
  readonly lockWithinMs?: number;
}

/** The rows of a page, and how many there were of it. */
export interface FoundRows<Row> {
  readonly rows: Row[];
  readonly found: number;
}

/** What one page may hold: it is in memory as a whole, several times over, until it is sent. */
const PAGE_BYTES = 8 * 1024 * 1024;

/**
 * Who reads a tenant's rows waits for nobody but who shuts out readers, and that takes its time (`VACUUM FULL`). The callers of
 * one such tenant would have all connections wait.
 */
const TENANTS_LOCK_WITHIN_MS = 250;

/** Runs one named statement in a transaction of its own. */
export type Run = <Row extends QueryResultRow>(
  statement: Statement,
  values: unknown[],
) => Promise<Row[]>;

/** The same, of which no more rows come than fit into some MiB, and one at least. */
export type RunPage = <Row extends QueryResultRow>(
  statement: Statement,
  values: unknown[],
) => Promise<FoundRows<Row>>;

/**
 * The way to PostgreSQL for named statements. What tenants wrote shows only {@link as} one of them: see the
 * migration `second-wall`.
 *
 * A connection whose statement failed or timed out is closed rather than used again.
 */
export abstract class NamedStatements {
  /** What their connections come from. @throws while there is none */
  protected abstract pool(): Pool;

  /** For nobody: no row of messages and dead letters is there to be seen. */
  readonly run: Run = async <Row extends QueryResultRow>(
    statement: Statement,
    values: unknown[],
  ) => {
    if (statement.lockWithinMs !== undefined)
      return (await this.scoped<Row>({}, statement, values))?.rows ?? [];
    return this.ask(async (client) => (await client.query<Row>(config(statement, values))).rows);
  };

  /** For one tenant: of messages and dead letters, its rows are there and no others. */
  as(tenantId: string): { readonly run: Run; readonly page: RunPage } {
    const run: Run = async <Row extends QueryResultRow>(statement: Statement, values: unknown[]) =>
      (await this.scoped<Row>({ tenantId }, statement, values))?.rows ?? [];
    const page: RunPage = async <Row extends QueryResultRow>(
      statement: Statement,
      values: unknown[],
    ): Promise<FoundRows<Row>> => {
      const result = await this.scoped<Row>({ tenantId, maxBytes: PAGE_BYTES }, statement, values);
      return { rows: result?.rows ?? [], found: result?.rowCount ?? 0 };
    };
    return { run, page };
  }

  /** For nobody too, a statement that changes rows: says how many it changed. */
  async change(statement: Statement, values: unknown[]): Promise<number> {
    return (await this.scoped({}, statement, values))?.rowCount ?? 0;
  }

  private scoped<Row extends QueryResultRow>(
    scope: Scope,
    statement: Statement,
    values: unknown[],
  ): Promise<QueryResult<Row> | undefined> {
    const patience = scope.tenantId === undefined ? undefined : TENANTS_LOCK_WITHIN_MS;
    const { lockWithinMs = patience } = statement;
    return this.ask((client) =>
      runIn<Row>(client, { ...scope, lockWithinMs }, config(statement, values)),
    );
  }

  private async ask<Rows>(question: (client: PoolClient) => Promise<Rows>): Promise<Rows> {
    const pool = this.pool();
    try {
      return await onOneConnection(pool, question);
    } catch (error) {
      if (isSessionStale(error)) closeIdle(pool);
      throw error;
    }
  }
}

function config({ name, text, withinMs }: Statement, values: unknown[]): TimedConfig {
  const limit = withinMs === undefined ? {} : { query_timeout: withinMs };
  return { name, text, values, ...limit };
}

function runIn<Row extends QueryResultRow>(
  client: PoolClient,
  scope: Scope,
  statement: TimedConfig,
): Promise<QueryResult<Row> | undefined> {
  return new Promise((resolve, reject) => {
    client.query(
      scopedQuery<Row>(scope, statement, (error, result) => {
        if (error) reject(error);
        else resolve(result);
      }),
    );
  });
}
