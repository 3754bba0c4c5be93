import { lookOptions, migrationOptions } from './data-source-options';
import { onShortLived } from './short-lived';

/** Any number that nobody else uses: the lock among replicas that migrate. */
const MIGRATION_LOCK = 7_301_401;

/**
 * Runs what is pending. Safe from several replicas at once: an advisory lock lets one run while the
 * others wait, and then find nothing left to do.
 */
export function migrate(url: string): Promise<void> {
  return onShortLived(migrationOptions(url), async (dataSource) => {
    // Held by its session: when this process dies, so does the lock.
    await dataSource.createQueryRunner().query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await dataSource.runMigrations();
  });
}

/** Asked as the owner: before its migration, there is no role to serve with. */
export function hasPendingMigrations(url: string): Promise<boolean> {
  return onShortLived(lookOptions(url), (dataSource) => dataSource.showMigrations());
}
