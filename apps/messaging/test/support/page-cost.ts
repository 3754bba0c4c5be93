import { PAGE } from '../../src/messages/message.store';
import { asServed } from './as-served';
import type { TestDatabase } from './database';

export interface PageCost {
  readonly rows: number;
  /** The kinds of the plan's nodes. */
  readonly nodes: string[];
  /** Blocks that were looked at, in memory or not. */
  readonly buffers: number;
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Actual Rows': number;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: PlanNode[];
}

/** What the program's own statement for a page costs, behind the `depth`-th message. */
export async function costOfPage(
  database: TestDatabase,
  tenantId: string,
  order: 'asc' | 'desc',
  depth: number,
): Promise<PageCost> {
  const [position] = await database.rows<{ stored_xid: string; id: string }>(
    `SELECT stored_xid, id FROM messages WHERE tenant_id = $1
     ORDER BY stored_xid ${order}, id ${order} OFFSET $2 LIMIT 1`,
    [tenantId, depth],
  );
  const explain = `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${PAGE[order].text}`;
  const values = [tenantId, position?.stored_xid, position?.id, 51];
  const { rows } = await asServed(database.client, tenantId, (client) =>
    client.query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(explain, values),
  );
  const [row] = rows;
  const plan = row?.['QUERY PLAN'][0]?.Plan as PlanNode;
  return {
    rows: plan['Actual Rows'],
    nodes: flatten(plan).map((node) => node['Node Type']),
    buffers: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
  };
}

function flatten(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}
