export { migrationOptions, servingOptions, UNHURRIED_MS } from './data-source-options';
export { Database, type Statement } from './database';
export { codeOf, isDatabaseUnavailable, isWithoutPartition, sqlState } from './database-errors';
export { DatabaseModule } from './database.module';
export { DatabaseStarter, type DatabaseState } from './database-starter';
export { OwnerDatabase } from './owner-database';
export { type GroupedTable, groupOfTenant } from './partition-groups';
export { SERVING_ROLE, TENANT_SETTING } from './serving-role';
