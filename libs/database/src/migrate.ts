import { setTimeout as delay } from 'node:timers/promises';
import { AbstractLogger, DataSource } from 'typeorm';
import { lookOptions, migrationOptions } from './data-source-options';
import { PatientDataSource } from './patient-data-source';
import { onShortLived } from './short-lived';

/** Any number that nobody else uses: the lock among replicas that migrate. */
const MIGRATION_LOCK = 7_301_401;

/** Asked for again and again: who waits in PostgreSQL for a lock hears of no stop. */
const LOCK_EVERY_MS = 500;

/** TypeORM's own says on the console, and not in JSON, what is thrown as well. */
class NoLogger extends AbstractLogger {
  protected override writeLog(): void {
    return undefined;
  }
}

/**
 * Runs what is pending. Safe from several replicas at once: an advisory lock lets one run while the
 * others wait, and then find nothing left to do. It is kept between attempts: others would begin where
 * this one rests.
 *
 * @throws SchemaInUse when transactions of others are in the way for too long; an error when `signal` says stop
 */
export function migrate(url: string, signal: AbortSignal): Promise<void> {
  const source = new PatientDataSource(
    { ...migrationOptions(url), logger: new NoLogger() },
    { signal },
  );
  return onShortLived(source, async (dataSource) => {
    await lock(dataSource, signal);
    await dataSource.runMigrations();
  });
}

/** Held by its session: when this process dies, so does the lock. Rejects when `signal` says stop. */
async function lock(dataSource: DataSource, signal: AbortSignal): Promise<void> {
  const session = dataSource.createQueryRunner();
  const text = 'SELECT pg_try_advisory_lock($1) AS locked';
  for (;;) {
    const [answer] = (await session.query(text, [MIGRATION_LOCK])) as { locked: boolean }[];
    if (answer?.locked) return;
    await delay(LOCK_EVERY_MS, undefined, { signal });
  }
}

/** Asked as the owner: before its migration, there is no role to serve with. */
export function hasPendingMigrations(url: string): Promise<boolean> {
  return onShortLived(new DataSource(lookOptions(url)), (dataSource) =>
    dataSource.showMigrations(),
  );
}
