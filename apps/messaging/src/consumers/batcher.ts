import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { Claim, FairQueue } from './fair-queue';

/** A batch that waited for the database to come back must not be followed by a pause as long as that. */
const LONGEST_PAUSE_MS = 20;

/** Where the turns of the loop take long since others keep it busy, results are not to be few a second for that. */
const RESULTS_PER_MS = 5;

/** How many milliseconds to pause for a batch that took so many; `waiting` items are there for the next one. */
export type Pause = (tookMs: number, waiting: number) => number;

/** How much a batcher leaves to others. */
export interface Pace {
  /** Before the results are handed out: what hangs on them begins later, and nothing is committed. */
  readonly hold: Pause;
  /** After that, so that the next batch gets more items. */
  readonly rest: Pause;
  /** So many results are handed out in one turn of the event loop, where what hangs on them takes its time too. */
  readonly resultsAtATime: () => number;
}

export const UNPACED: Pace = { hold: () => 0, rest: () => 0, resultsAtATime: () => Infinity };

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result | PromiseLike<Result>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit: while one batch is committed, the next one gathers. There is no timer, so that a
 * lone item never waits; the busier it gets, the larger the batches become by themselves.
 *
 * The idea is that of database logs (DeWitt et al., "Implementation techniques for main memory
 * database systems", 1984).
 */
export class Batcher<Item, Result> {
  private committing = false;

  /**
   * `commit` gets the items that the queue hands out together, and answers in their order; with a
   * promise where it takes longer, and nobody else is to wait for that.
   */
  constructor(
    private readonly commit: (items: Item[]) => Promise<(Result | PromiseLike<Result>)[]>,
    private readonly queue: FairQueue<Waiting<Item, Result>>,
    private readonly pace = UNPACED,
  ) {}

  /** Whether anything is committed, or about to be. */
  get isBusy(): boolean {
    return this.committing;
  }

  /** Resolves with what became of this item; rejects when the commit of its batch rejects. */
  add(item: Item, claim: Claim): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.queue.add({ item, resolve, reject }, claim);
      if (!this.committing) this.begin();
    });
  }

  /** What was read from the socket together is delivered in one turn of the loop: wait for its end. */
  private begin(): void {
    this.committing = true;
    setImmediate(() => void this.commitAll());
  }

  /** Never rejects: every failure belongs to the items of its batch. */
  private async commitAll(): Promise<void> {
    while (!this.queue.isEmpty) {
      const start = performance.now();
      await this.commitOne(this.queue.take());
      await this.pause(this.pace.rest, start);
    }
    this.committing = false;
  }

  private async pause(lengthOf: Pause, start: number): Promise<void> {
    const ms = lengthOf(performance.now() - start, this.queue.size);
    if (ms > 0) await delay(Math.min(ms, LONGEST_PAUSE_MS));
  }

  private async commitOne(batch: Waiting<Item, Result>[]): Promise<void> {
    const start = performance.now();
    try {
      const results = await this.commit(batch.map(({ item }) => item));
      await this.pause(this.pace.hold, start);
      await this.handOut(batch, results);
    } catch (error) {
      batch.forEach(({ reject }) => reject(error));
    }
  }

  private async handOut(
    batch: readonly Waiting<Item, Result>[],
    results: readonly (Result | PromiseLike<Result>)[],
  ): Promise<void> {
    let room = this.pace.resultsAtATime();
    for (const [index, { resolve }] of batch.entries()) {
      if (room === 0) room = await this.roomOfNextTurn();
      room--;
      resolve(results[index] as Result);
    }
  }

  private async roomOfNextTurn(): Promise<number> {
    const start = performance.now();
    await nextTurn();
    const tookMs = performance.now() - start;
    return Math.max(this.pace.resultsAtATime(), Math.ceil(tookMs * RESULTS_PER_MS));
  }
}
