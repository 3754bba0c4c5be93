import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { Environment } from '@app/config';
import { DataSource } from 'typeorm';
import { reasonOf } from './database-errors';
import { hasPendingMigrations, migrate } from './migrate';
import { checkServingRole } from './serving-check';
import { connect } from './short-lived';

const RETRY_AFTER_MS = 1_000;

/** What a stop interrupts is undone, or gone on with at the next start: it need not wait for an answer. */
const STOP_WITHIN_MS = 2_000;

export type DatabaseState = 'connecting' | 'migrations pending' | 'ready';

/**
 * Connects in the background and keeps trying, so that a process that starts before its database
 * lives, says what it waits for, and goes on by itself.
 */
@Injectable()
export class DatabaseStarter implements OnApplicationBootstrap, OnModuleDestroy {
  /** Whether it was waited for: others may have lost it, too. */
  cameLate = false;
  private readonly logger = new Logger(DatabaseStarter.name);
  private readonly stopping = new AbortController();
  private starting: Promise<void> = Promise.resolve();
  private current: DatabaseState = 'connecting';
  private announceReady!: () => void;
  private readonly readiness = new Promise<void>((resolve) => (this.announceReady = resolve));

  constructor(
    private readonly dataSource: DataSource,
    private readonly environment: Environment,
  ) {}

  get state(): DatabaseState {
    return this.current;
  }

  /** Resolves once the schema is there; never rejects. */
  whenReady(): Promise<void> {
    return this.readiness;
  }

  onApplicationBootstrap(): void {
    this.starting = this.start();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await Promise.race([this.starting, delay(STOP_WITHIN_MS, undefined, { ref: false })]);
  }

  private async start(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      this.current = await this.tryToStart();
      if (this.current === 'ready') {
        this.announceReady();
        return;
      }
      await this.pause();
    }
  }

  private async tryToStart(): Promise<DatabaseState> {
    const { DATABASE_URL: url, MIGRATE_ON_START: mayMigrate } = this.environment;
    try {
      if (mayMigrate) await migrate(url, this.stopping.signal);
      if (await hasPendingMigrations(url)) {
        this.logger.warn('Migrations are pending: run `npm run migration:run`');
        return 'migrations pending';
      }
      await checkServingRole(url);
      if (!this.dataSource.isInitialized) await connect(this.dataSource);
      return 'ready';
    } catch (error) {
      this.cameLate = true;
      if (!this.stopping.signal.aborted)
        this.logger.warn(`The database is not ready, trying again: ${reasonOf(error)}`);
      return 'connecting';
    }
  }

  private async pause(): Promise<void> {
    const { signal } = this.stopping;
    await delay(RETRY_AFTER_MS, undefined, { signal }).catch(() => undefined);
  }
}
