import { Global, Injectable, Logger, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Environment } from '@app/config';

/** What the connections may take to close once everything is settled and every request answered. */
const CLOSE_WITHIN_MS = 3_000;

/** Time kept back from the drain, for what comes after it. */
const AFTER_DRAIN_MS = 5_000;

/**
 * Bounds a stop, which Nest does not. The order is Nest's: destroy hooks, then the drain
 * (`beforeApplicationShutdown`, with broker, database and HTTP still there), then HTTP closes, then
 * the connections (`onApplicationShutdown`).
 */
@Injectable()
export class Shutdown implements OnApplicationShutdown {
  private readonly logger = new Logger(Shutdown.name);
  private readonly leftovers: (() => string | undefined)[] = [];
  private begun = false;

  constructor(private readonly environment: Environment) {}

  /** From the first signal on; readiness says so at once. */
  get draining(): boolean {
    return this.begun;
  }

  /** How long what is under way may take to settle, in milliseconds. */
  get drainWithinMs(): number {
    const { SHUTDOWN_TIMEOUT_MS: all } = this.environment;
    return Math.max(all - AFTER_DRAIN_MS, all / 2);
  }

  /** Has `report` say what is left, if anything, when the time runs out. */
  onOverdue(report: () => string | undefined): void {
    this.leftovers.push(report);
  }

  /** The first signal begins the stop, which Nest's own listener carries out; a second one ends it. */
  signalled(signal: NodeJS.Signals): void {
    if (this.begun) {
      this.logger.warn(`${signal} again: exiting at once`);
      process.exit(1);
    }
    this.begun = true;
    this.logger.log(`${signal}: stopping, within ${this.environment.SHUTDOWN_TIMEOUT_MS} ms`);
    setTimeout(() => this.overdue(), this.environment.SHUTDOWN_TIMEOUT_MS - 250).unref();
  }

  /** The root module's hook runs first: all that matters is done, and the libraries close. */
  onApplicationShutdown(): void {
    setTimeout(() => {
      this.logger.warn('A connection did not close in time; nothing is left in it');
      process.exit(0);
    }, CLOSE_WITHIN_MS).unref();
  }

  private overdue(): void {
    const left = this.leftovers.flatMap((report) => report() ?? []);
    const what = left.length > 0 ? left.join(', ') : 'requests or connections that did not end';
    this.logger.error(`The stop took too long; left: ${what}`);
    process.exit(1);
  }
}

@Global()
@Module({ providers: [Shutdown], exports: [Shutdown] })
export class ShutdownModule {}
