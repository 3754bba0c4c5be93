import { Global, Injectable, Logger, Module } from '@nestjs/common';
import { Environment } from '@app/config';

/** What the connections may take to close once everything is settled and every request answered. */
const CLOSE_WITHIN_MS = 3_000;

/** So that the process is gone, and not about to go, when its time is up. */
const MARGIN_MS = 250;

/** npm passes on what whoever signalled all of a group (a terminal, systemd) has sent here as well. */
const PASSED_ON_WITHIN_MS = 50;

/** Time kept back from the drain, for what comes after it. */
const AFTER_DRAIN_MS = 5_000;

/**
 * Bounds a stop, which Nest does not. The order is Nest's: destroy hooks, then the drain
 * (`beforeApplicationShutdown`, with broker, database and HTTP still there), then HTTP closes, then
 * the connections (`onApplicationShutdown`).
 */
@Injectable()
export class Shutdown {
  private readonly logger = new Logger(Shutdown.name);
  private readonly leftovers: (() => string | undefined)[] = [];
  /** The signal that began the stop, and when that was, by `performance.now()`. */
  private first: { readonly signal: NodeJS.Signals; readonly at: number } | undefined;

  constructor(private readonly environment: Environment) {}

  /** From the first signal on; readiness says so at once. */
  get draining(): boolean {
    return this.first !== undefined;
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

  /**
   * The first signal begins the stop, which Nest's own listener carries out; a second one ends it, unless it
   * is the same that came by two ways.
   */
  signalled(signal: NodeJS.Signals): void {
    if (this.first) {
      const isPassedOn = performance.now() - this.first.at < PASSED_ON_WITHIN_MS;
      if (isPassedOn && signal === this.first.signal) return;
      this.logger.warn(`${signal} again: exiting at once`);
      process.exit(1);
    }
    this.first = { signal, at: performance.now() };
    this.logger.log(`${signal}: stopping, within ${this.environment.SHUTDOWN_TIMEOUT_MS} ms`);
    setTimeout(() => this.overdue(), this.leftMs()).unref();
  }

  /** All that matters is done, and the libraries close: with half of the time that is left. */
  closing(): void {
    setTimeout(
      () => {
        this.logger.warn('A connection did not close in time; nothing is left in it');
        process.exit(0);
      },
      Math.min(CLOSE_WITHIN_MS, this.leftMs() / 2),
    ).unref();
  }

  private leftMs(): number {
    if (!this.first) return Infinity;
    return this.first.at + this.environment.SHUTDOWN_TIMEOUT_MS - MARGIN_MS - performance.now();
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
