import { setTimeout as delay } from 'node:timers/promises';

/** Work that takes long may not be done all the time. */
const REST_TO_WORK = 4;

interface Rest {
  readonly atLeastMs: number;
  readonly atMostMs: number;
}

/** Work that is asked for again and again: it is done once more after the last time, never twice at once. */
export class WhileAsked {
  private working: Promise<void> | undefined;
  private again = false;

  constructor(
    private readonly work: () => Promise<void>,
    private readonly onError: (error: unknown) => void,
    /** How long to wait before it is done again: what is asked for meanwhile is one request. */
    private readonly rest: Rest = { atLeastMs: 0, atMostMs: 0 },
  ) {}

  /** Has the work done, soon; never rejects. */
  ask(): void {
    this.again = true;
    this.working ??= this.run();
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.working;
  }

  private async run(): Promise<void> {
    while (this.again) {
      this.again = false;
      const start = performance.now();
      await this.work().catch((error: unknown) => this.onError(error));
      await this.restAfter(performance.now() - start);
    }
    // In the turn of the last look: what is asked for from now on begins anew.
    this.working = undefined;
  }

  private async restAfter(workMs: number): Promise<void> {
    const { atLeastMs, atMostMs } = this.rest;
    const restMs = Math.min(Math.max(workMs * REST_TO_WORK, atLeastMs), atMostMs);
    if (restMs > 0) await delay(restMs, undefined, { ref: false });
  }
}
