import { Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { DataSource, type DataSourceOptions, type Migration, QueryFailedError } from 'typeorm';
import { LOCK_TIMEOUT_MS } from './bounded-waiting';
import { isLockedOut } from './database-errors';

export interface Patience {
  readonly attempts: number;
  /** In which those go on who queued behind the last attempt. */
  readonly pauseMs: number;
  /** Ends the pauses, and the attempts with them. */
  readonly signal?: AbortSignal;
}

/** Two minutes. A longer backup is waited for by whoever runs migrations: a Job, or a start. */
const PATIENCE: Patience = { attempts: 30, pauseMs: 3_000 };

/** A migration got its locks in none of its attempts. What is done of it, if anything, is whole. */
export class SchemaInUse extends Error {
  constructor(
    readonly attempts: number,
    readonly statement: string,
    readonly holders: readonly string[],
  ) {
    super(
      `a migration did not get a lock within ${LOCK_TIMEOUT_MS} ms, ${attempts} times, for: ` +
        `${statement}. Long transactions that hold locks: ${holders.join('; ') || 'none any more'}. ` +
        'Run it again when they have ended',
    );
    this.name = 'SchemaInUse';
  }
}

/** Never the statement of the other: it may hold what a tenant sent. */
const HOLDERS = `
  SELECT format('pid %s, %s, of %s, for %s s', pid, coalesce(nullif(application_name, ''), backend_type),
    coalesce(usename, 'the server'), round(extract(epoch FROM clock_timestamp() - xact_start))) AS holder
  FROM pg_stat_activity
  WHERE xact_start < clock_timestamp() - make_interval(secs => $1::float8 / 1000) AND pid IN (
    SELECT l.pid FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
    WHERE l.granted AND l.pid <> pg_backend_pid() AND c.relnamespace = current_schema()::regnamespace
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
  ORDER BY xact_start LIMIT 5`;

/**
 * What migrations are run on: one that did not get a lock in time, which its transaction has undone, is
 * tried again after a pause, and again, but not for ever. Those that went through are not repeated.
 */
export class PatientDataSource extends DataSource {
  private readonly patientLogger = new Logger('Migrations');
  private readonly patience: Patience;

  constructor(options: DataSourceOptions, patience: Partial<Patience> = {}) {
    super(options);
    this.patience = { ...PATIENCE, ...patience };
  }

  /** @throws SchemaInUse */
  override runMigrations(
    ...options: Parameters<DataSource['runMigrations']>
  ): Promise<Migration[]> {
    return this.patiently(() => super.runMigrations(...options));
  }

  /** @throws SchemaInUse */
  override undoLastMigration(
    ...options: Parameters<DataSource['undoLastMigration']>
  ): Promise<void> {
    return this.patiently(() => super.undoLastMigration(...options));
  }

  private async patiently<Result>(run: () => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await run();
      } catch (error) {
        if (!isInTheWay(error)) throw error;
        const inUse = await this.inUse(attempt, error);
        if (!(await this.mayTryAgain(attempt))) throw inUse;
        this.patientLogger.warn(`Trying again: ${inUse.message}`);
      }
    }
  }

  private async inUse(attempt: number, { query }: QueryFailedError): Promise<SchemaInUse> {
    const rows = await this.query<{ holder: string }[]>(HOLDERS, [LOCK_TIMEOUT_MS]);
    const statement = query.trim().replace(/\s+/g, ' ').slice(0, 200);
    return new SchemaInUse(
      attempt,
      statement,
      rows.map(({ holder }) => holder),
    );
  }

  private async mayTryAgain(attempt: number): Promise<boolean> {
    const { attempts, pauseMs, signal } = this.patience;
    if (attempt >= attempts) return false;
    await delay(pauseMs, undefined, { ...(signal && { signal }) }).catch(() => undefined);
    return !signal?.aborted;
  }
}

const isInTheWay = (error: unknown): error is QueryFailedError =>
  error instanceof QueryFailedError && isLockedOut(error);
