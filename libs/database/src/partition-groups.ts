/** Tables in groups of tenants: a hash of the tenant's id says the group, the id itself the partition. */
export type GroupedTable = 'messages' | 'dead_letters';

/**
 * Whoever attaches a partition reads the bounds of all its neighbours, and so does every connection
 * that uses the table next: 20 ms at 5,000 neighbours, and next to nothing at 80. The number is
 * written into the tables' bounds, so that another one is a migration.
 */
export const PARTITION_GROUPS = 64;

export const groupName = (table: GroupedTable, group: number): string =>
  `${table}_group_${String(group).padStart(2, '0')}`;

/** SQL: the name of a tenant's group. PostgreSQL is asked, whose hash function it is. */
export const groupOfTenant = (table: GroupedTable, tenantId: string): string => `
  (SELECT '${table}_group_' || lpad(g::text, 2, '0')
   FROM generate_series(0, ${PARTITION_GROUPS - 1}) AS g
   WHERE satisfies_hash_partition('${table}'::regclass, ${PARTITION_GROUPS}, g, ${tenantId}))`;
