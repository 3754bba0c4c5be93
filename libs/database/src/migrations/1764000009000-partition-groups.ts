import type { MigrationInterface, QueryRunner } from 'typeorm';
import { LOCK_TIMEOUT_MS } from '../bounded-waiting';
import { type GroupedTable, groupName, groupOfTenant, PARTITION_GROUPS } from '../partition-groups';
import { ASK_ACROSS_TENANTS, WALL } from './1764000006000-second-wall';

const TABLES: readonly GroupedTable[] = ['messages', 'dead_letters'];

const INDEXES: Readonly<Record<GroupedTable, Readonly<Record<string, string>>>> = {
  messages: { messages_in_stored_order: '(stored_xid, id)' },
  dead_letters: {
    dead_letters_by_death: '(died_at, id)',
    dead_letters_redriven: '(redriven_at) WHERE redriven_at IS NOT NULL',
  },
};

/** Each of its transactions waits as long for a lock as other migrations do. */
const IN_TIME = `SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`;

/** The table as it was, until all of its partitions have moved. */
const before = (table: GroupedTable): string => `${table}_before`;

type Shape = 'groups' | 'flat';

const STRATEGY: Readonly<Record<Shape, string>> = { groups: 'HASH', flat: 'LIST' };

/**
 * Partitions in groups, by a hash of the tenant's id, in place of one long list: see
 * `partition-groups`.
 *
 * Not one transaction: thousands of partitions are more locks than PostgreSQL has room for. Each one
 * moves in a transaction of its own, and is read through once, as PostgreSQL looks for itself whether
 * its rows belong where it goes. What was interrupted goes on with the next run. Whoever serves
 * meanwhile goes on accepting; a tenant's messages wait in its queue until its partition has moved.
 */
export class PartitionGroups1764000009000 implements MigrationInterface {
  readonly name = 'PartitionGroups1764000009000';
  readonly transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const table of TABLES) await rebuild(queryRunner, table, 'groups');
  }

  /** TypeORM takes every migration back within a transaction, whatever that says of itself. */
  async down(queryRunner: QueryRunner): Promise<void> {
    const within = queryRunner.isTransactionActive;
    if (within) await queryRunner.commitTransaction();
    for (const table of TABLES) await rebuild(queryRunner, table, 'flat');
    if (within) await queryRunner.startTransaction();
  }
}

/** The table of which a run before was interrupted may be done, begun or untouched. */
async function rebuild(runner: QueryRunner, table: GroupedTable, to: Shape): Promise<void> {
  if ((await strategyOf(runner, before(table))) === undefined) {
    if ((await strategyOf(runner, table)) === STRATEGY[to]) return;
    await begin(runner, table, to);
  }
  for (const partition of await partitionsOf(runner, table, to)) await move(runner, partition);
  await atOnce(runner, [`DROP TABLE ${before(table)}`]);
}

/** The new parent takes the old one's place and name, with all that hangs on it but the rows. */
function begin(runner: QueryRunner, table: GroupedTable, to: Shape): Promise<void> {
  const indexes = Object.entries(INDEXES[table]);
  return atOnce(runner, [
    ...[`${table}_pkey`, ...indexes.map(([name]) => name)].map(
      (name) => `ALTER INDEX ${name} RENAME TO ${name}_before`,
    ),
    `ALTER TABLE ${table} RENAME TO ${before(table)}`,
    `CREATE TABLE ${table} (
      LIKE ${before(table)} INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
      CONSTRAINT ${table}_pkey PRIMARY KEY (tenant_id, id)
    ) PARTITION BY ${STRATEGY[to]} (tenant_id)`,
    ...indexes.map(([name, columns]) => `CREATE INDEX ${name} ON ${table} ${columns}`),
    ...(to === 'groups' ? groupsOf(table) : []),
    WALL[table],
    ...(table === 'dead_letters' ? [ASK_ACROSS_TENANTS] : []),
  ]);
}

const groupsOf = (table: GroupedTable): string[] =>
  Array.from(
    { length: PARTITION_GROUPS },
    (_, group) => `
      CREATE TABLE ${groupName(table, group)} PARTITION OF ${table}
        FOR VALUES WITH (MODULUS ${PARTITION_GROUPS}, REMAINDER ${group})
        PARTITION BY LIST (tenant_id)`,
  );

interface Partition {
  readonly name: string;
  readonly tenant_id: string;
  readonly parent: string;
  readonly target: string;
  /** Its detaching was interrupted: its tenant is gone, and a sweep drops it. */
  readonly pending: boolean;
}

async function partitionsOf(
  runner: QueryRunner,
  table: GroupedTable,
  to: Shape,
): Promise<Partition[]> {
  const target = to === 'groups' ? groupOfTenant(table, 't.tenant_id') : `'${table}'`;
  return (await runner.query(
    `SELECT c.relname AS name, t.tenant_id, i.inhparent::regclass::text AS parent,
       ${target} AS target, i.inhdetachpending AS pending
     FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid,
       LATERAL (SELECT right(c.relname, 32)::uuid AS tenant_id) AS t
     WHERE c.relkind = 'r' AND (
       i.inhparent = $1::regclass
       OR i.inhparent IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = $1::regclass)
     )
     ORDER BY name`,
    [before(table)],
  )) as Partition[];
}

function move(
  runner: QueryRunner,
  { name, tenant_id, parent, target, pending }: Partition,
): Promise<void> {
  const detach = `ALTER TABLE ${parent} DETACH PARTITION ${name}`;
  if (pending) return atOnce(runner, [`${detach} FINALIZE`]);
  return atOnce(runner, [
    detach,
    `ALTER TABLE ${target} ATTACH PARTITION ${name} FOR VALUES IN ('${tenant_id}')`,
  ]);
}

/** Several statements in one message are one transaction. */
async function atOnce(runner: QueryRunner, statements: readonly string[]): Promise<void> {
  await runner.query([IN_TIME, ...statements].join(';\n'));
}

/** How a table is partitioned; undefined when there is none of that name. */
async function strategyOf(runner: QueryRunner, table: string): Promise<string | undefined> {
  const rows = (await runner.query(
    `SELECT split_part(pg_get_partkeydef(to_regclass($1)), ' ', 1) AS strategy
     WHERE to_regclass($1) IS NOT NULL`,
    [table],
  )) as { strategy: string }[];
  return rows[0]?.strategy;
}
