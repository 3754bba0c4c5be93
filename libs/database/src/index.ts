export { boundedWaiting } from './bounded-waiting';
export { migrationOptions, servingOptions, UNHURRIED_MS } from './data-source-options';
export { Database } from './database';
export {
  codeOf,
  isDatabaseUnavailable,
  isLockedOut,
  isWithoutPartition,
  reasonOf,
  sqlState,
} from './database-errors';
export { DatabaseModule } from './database.module';
export { DatabaseStarter } from './database-starter';
export { isoTime } from './iso-time';
export type { FoundRows, RunPage, Statement } from './named-statements';
export { OwnerDatabase } from './owner-database';
export { type GroupedTable, groupOfTenant } from './partition-groups';
export { PatientDataSource, SchemaInUse } from './patient-data-source';
export { ReservedDatabase } from './reserved-database';
export { SERVING_ROLE, TENANT_SETTING } from './serving-role';
export { FOR_TENANT } from './scoped-query';
