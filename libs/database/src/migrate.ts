import { DataSource } from 'typeorm';
import { lookOptions, migrationOptions } from './data-source-options';

/** Any number that nobody else uses: the lock among replicas that migrate. */
const MIGRATION_LOCK = 7_301_401;

/**
 * Runs what is pending. Safe from several replicas at once: an advisory lock lets one run while the
 * others wait, and then find nothing left to do.
 */
export async function migrate(url: string): Promise<void> {
  const dataSource = await new DataSource(migrationOptions(url)).initialize();
  try {
    // Held by its session: when this process dies, so does the lock.
    await dataSource.createQueryRunner().query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await dataSource.runMigrations();
  } finally {
    await dataSource.destroy();
  }
}

/** Asked as the owner: before its migration, there is no role to serve with. */
export async function hasPendingMigrations(url: string): Promise<boolean> {
  const dataSource = await new DataSource(lookOptions(url)).initialize();
  try {
    return await dataSource.showMigrations();
  } finally {
    await dataSource.destroy();
  }
}
