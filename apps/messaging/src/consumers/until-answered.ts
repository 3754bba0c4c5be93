import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { classify, type WriteFailure } from './write-failure';

/** What the database said: that it is done, or why not, where that was not waited for. */
type AnswerBut<WaitedFor extends WriteFailure['kind']> =
  { kind: 'done' } | { kind: 'abandoned' } | Exclude<WriteFailure, { kind: WaitedFor }>;

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

  ask(work: () => Promise<void>): Promise<AnswerBut<'unavailable' | 'locked'>> {
    return this.askWhile(['unavailable', 'locked'], work);
  }

  /** The same, where others need not wait for what somebody has locked. */
  askUnlessLocked(work: () => Promise<void>): Promise<AnswerBut<'unavailable'>> {
    return this.askWhile(['unavailable'], work);
  }

  /** The same for the last that can be done for a message: waits for failures without a name as well. */
  insist(work: () => Promise<void>): Promise<AnswerBut<'unavailable' | 'locked' | 'unknown'>> {
    return this.askWhile(['unavailable', 'locked', 'unknown'], work);
  }

  private async askWhile<WaitedFor extends WriteFailure['kind']>(
    waitedFor: readonly WaitedFor[],
    work: () => Promise<void>,
  ): Promise<AnswerBut<WaitedFor>> {
    const isAnswer = (
      failure: WriteFailure,
    ): failure is Exclude<WriteFailure, { kind: WaitedFor }> =>
      !waitedFor.some((kind) => kind === failure.kind);
    for (let attempt = 0; ; attempt++) {
      const failure = await work().then(() => undefined, classify);
      if (!failure) return { kind: 'done' };
      if (isAnswer(failure)) return failure;
      if (this.stopping.signal.aborted) return { kind: 'abandoned' };
      this.complain(failure.reason);
      await this.pause(attempt);
    }
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
