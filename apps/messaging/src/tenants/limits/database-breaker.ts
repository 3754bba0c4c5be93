import { Injectable } from '@nestjs/common';
import { within } from '@app/broker';

/** The longest that somebody who publishes waits for the database: it mostly answers in 1 ms. */
const WAIT_MS = 250;

/** How often a database that did not answer is tried again. */
const RETRY_AFTER_MS = 1_000;

/**
 * Asks the database for what publishing would like to know and can do without. The first who waits
 * in vain waits for all: from then on nobody does, until a question, one at a time, is answered.
 */
@Injectable()
export class DatabaseBreaker {
  private retryAt: number | undefined;
  private probing = false;

  /** Whether the last that is known of the database is that it answers. */
  get closed(): boolean {
    return this.retryAt === undefined;
  }

  /** @returns whether `ask` was answered in time; never rejects */
  async attempt(ask: () => Promise<unknown>): Promise<boolean> {
    if (!this.closed) {
      this.probe(ask);
      return false;
    }
    try {
      await within(WAIT_MS, this.watch(ask()), () => new Error('no answer in time'));
      return true;
    } catch {
      this.retryAt ??= performance.now() + RETRY_AFTER_MS;
      return false;
    }
  }

  private probe(ask: () => Promise<unknown>): void {
    if (this.probing || performance.now() < (this.retryAt ?? 0)) return;
    this.probing = true;
    this.watch(ask())
      .catch(() => (this.retryAt = performance.now() + RETRY_AFTER_MS))
      .finally(() => (this.probing = false));
  }

  /** An answer that comes late is one all the same. */
  private async watch(asked: Promise<unknown>): Promise<void> {
    await asked;
    this.retryAt = undefined;
  }
}
