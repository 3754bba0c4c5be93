import {
  type Connection,
  Query,
  type QueryConfig,
  type QueryResult,
  type QueryResultRow,
} from 'pg';
import { TENANT_SETTING } from './serving-role';

/**
 * All until the end of the transaction, which is the statement's. Has no rows, which it would return.
 *
 * What is read for one tenant is read in the order of an index. Of a partition that nobody has analyzed
 * yet, which is each one for its first minutes, PostgreSQL believes that next to nothing is in it, and
 * would sort all of it for every page.
 */
export const FOR_TENANT = `
  SELECT WHERE num_nulls(
    set_config('${TENANT_SETTING}', $1, true),
    set_config('enable_sort', 'off', true),
    set_config('lock_timeout', $2, true)
  ) > 0`;
const NAME = 'for-tenant';

/** What `pg` takes and its types do not name. */
export interface TimedConfig extends QueryConfig {
  readonly query_timeout?: number;
}

/** For whom a statement runs, and how. */
export interface Scope {
  /** Whose rows it sees; nobody's by default. */
  readonly tenantId?: string;
  /** How long it waits for a lock; by default as long as it may take. */
  readonly lockWithinMs?: number | undefined;
  /** How much of its rows is kept, in bytes and up to the end of one; by default all. */
  readonly maxBytes?: number | undefined;
}

type Callback<Row extends QueryResultRow> = (
  error: Error | undefined,
  result: QueryResult<Row> | undefined,
) => void;

/**
 * A statement that runs in a scope, in one round trip: the messages that say which are sent ahead of
 * its own and share its Sync, which makes both one transaction.
 *
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
 */
export function scopedQuery<Row extends QueryResultRow>(
  scope: Scope,
  config: TimedConfig,
  callback: Callback<Row>,
): Query<Row> {
  const query = new Query<Row>(config, (error, results) => callback(error, lastOf(error, results)));
  // Which `pg` looks for in what it is given, and `Query` does not take over.
  Object.assign(query, { query_timeout: config.query_timeout });
  if (scope.maxBytes !== undefined) keepUpTo(scope.maxBytes, query as unknown as Reading);
  const submit = query.submit.bind(query);
  query.submit = (connection) => {
    connection.stream.cork();
    try {
      sayScope(connection, scope);
      // Returns an error to `pg`, although its types do not say so.
      return submit(connection);
    } finally {
      connection.stream.uncork();
    }
  };
  return query;
}

/** Those that have parsed it. One whose parsing failed is closed, as after any error. */
const prepared = new WeakSet<Connection>();

function sayScope(connection: Connection, { tenantId = '', lockWithinMs = 0 }: Scope): void {
  if (!prepared.has(connection))
    connection.parse({ name: NAME, text: FOR_TENANT, types: [] }, true);
  prepared.add(connection);
  connection.bind({ statement: NAME, values: [tenantId, String(lockWithinMs)] }, true);
  connection.execute({}, true);
}

/** What comes afterwards is dropped as it is read: the result's `rowCount` counts it all the same. */
function keepUpTo(maxBytes: number, query: Reading): void {
  const keep = query.handleDataRow.bind(query);
  let kept = 0;
  query.handleDataRow = (row) => {
    if (kept < maxBytes) keep(row);
    kept += row.length;
  };
}

/** The part of `Query` that takes in what the server sends; its types leave it out. */
interface Reading {
  handleDataRow(row: { readonly length: number }): void;
}

/** `pg` gives the results of several statements as an array; ours is the last. */
function lastOf<Row extends QueryResultRow>(
  error: Error | undefined,
  results: QueryResult<Row> | QueryResult<Row>[],
): QueryResult<Row> | undefined {
  if (error) return undefined;
  return Array.isArray(results) ? results.at(-1) : results;
}
