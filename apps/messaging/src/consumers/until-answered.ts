import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { classify, type WriteFailure } from './write-failure';

/** What the database said: that it is done, or why not. */
export type Answer = { kind: 'done' } | { kind: 'abandoned' } | Exclude<WriteFailure, Unavailable>;

type Unavailable = Extract<WriteFailure, { kind: 'unavailable' }>;
type Unknown = Extract<WriteFailure, { kind: 'unknown' }>;

const FIRST_RETRY_MS = 50;
/** Classic queues and dead letters ask message by message: many may be told the same at once. */
const COMPLAIN_EVERY_MS = 1_000;

/** A database that is back is noticed within this time. */
const LAST_RETRY_MS = 2_000;

/** Asks the database until it answers: an outage is waited for, whatever it is and as long as it takes. */
@Injectable()
export class UntilAnswered {
  private readonly logger = new Logger(UntilAnswered.name);
  private readonly stopping = new AbortController();
  private silentUntil = -Infinity;
  /** That failed and were not told of yet. */
  private tries = 0;

  async ask(work: () => Promise<void>): Promise<Answer> {
    for (let attempt = 0; ; attempt++) {
      const failure = await work().then(() => undefined, classify);
      if (!failure) return { kind: 'done' };
      if (failure.kind !== 'unavailable') return failure;
      if (!(await this.waits(failure, attempt))) return { kind: 'abandoned' };
    }
  }

  /** The same for the last that can be done for a message: waits for failures without a name as well. */
  async insist(work: () => Promise<void>): Promise<Exclude<Answer, Unknown>> {
    for (let attempt = 0; ; attempt++) {
      const answer = await this.ask(work);
      if (answer.kind !== 'unknown') return answer;
      if (!(await this.waits(answer, attempt))) return { kind: 'abandoned' };
    }
  }

  /** @returns whether it is worth another try */
  private async waits({ reason }: Unavailable | Unknown, attempt: number): Promise<boolean> {
    if (this.stopping.signal.aborted) return false;
    this.complain(reason);
    await this.pause(attempt);
    return true;
  }

  /** From now on, what is not answered at once is abandoned. */
  stop(): void {
    this.stopping.abort();
  }

  private complain(reason: string): void {
    const now = performance.now();
    this.tries++;
    if (now < this.silentUntil) return;
    this.silentUntil = now + COMPLAIN_EVERY_MS;
    this.logger.warn({ tries: this.tries, msg: `Not stored yet, trying again: ${reason}` });
    this.tries = 0;
  }

  /** Exponential, with jitter: lanes and replicas that failed together come back apart. */
  private async pause(attempt: number): Promise<void> {
    const longest = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt, 10));
    const { signal } = this.stopping;
    const wait = longest / 2 + (Math.random() * longest) / 2;
    await delay(wait, undefined, { signal }).catch(() => undefined);
  }
}
