import {
  type Connection,
  Query,
  type QueryConfig,
  type QueryResultRow,
  type ResultBuilder,
} from 'pg';
import { TENANT_SETTING } from './serving-role';

/**
 * Both until the end of the transaction, which is the statement's. Has no rows, which it would return.
 *
 * What is read for one tenant is read in the order of an index. Of a partition that nobody has analyzed
 * yet, which is each one for its first minutes, PostgreSQL believes that next to nothing is in it, and
 * would sort all of it for every page.
 */
export const FOR_TENANT = `
  SELECT WHERE num_nulls(
    set_config('${TENANT_SETTING}', $1, true),
    set_config('enable_sort', 'off', true)
  ) > 0`;
const NAME = 'for-tenant';

type Callback<Row extends QueryResultRow> = (error: Error | undefined, rows: Row[]) => void;

/**
 * A statement that runs for one tenant, in one round trip: the messages that say which are sent ahead
 * of its own and share its Sync, which makes both one transaction.
 *
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
 */
export function tenantQuery<Row extends QueryResultRow>(
  tenantId: string,
  config: QueryConfig,
  callback: Callback<Row>,
): Query<Row> {
  const query = new Query<Row>(config, (error, results) => callback(error, lastOf(error, results)));
  const submit = query.submit.bind(query);
  query.submit = (connection) => {
    connection.stream.cork();
    try {
      sayTenant(connection, tenantId);
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

function sayTenant(connection: Connection, tenantId: string): void {
  if (!prepared.has(connection))
    connection.parse({ name: NAME, text: FOR_TENANT, types: [] }, true);
  prepared.add(connection);
  connection.bind({ statement: NAME, values: [tenantId] }, true);
  connection.execute({}, true);
}

/** `pg` gives the results of several statements as an array; ours is the last. */
function lastOf<Row extends QueryResultRow>(
  error: Error | undefined,
  results: ResultBuilder<Row> | ResultBuilder<Row>[],
): Row[] {
  if (error) return [];
  return (Array.isArray(results) ? results.at(-1)?.rows : results.rows) ?? [];
}
