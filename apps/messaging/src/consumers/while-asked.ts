import { setTimeout as delay } from 'node:timers/promises';

/** Work that is asked for again and again: it is done once more after the last time, never twice at once. */
export class WhileAsked {
  private working: Promise<void> | undefined;
  private again = false;

  constructor(
    private readonly work: () => Promise<void>,
    private readonly onError: (error: unknown) => void,
    /** How long to wait before it is done again: what is asked for meanwhile is one request. */
    private readonly restMs = 0,
  ) {}

  /** Has the work done, soon; never rejects. */
  ask(): void {
    this.again = true;
    this.working ??= this.run().finally(() => (this.working = undefined));
  }

  private async run(): Promise<void> {
    while (this.again) {
      this.again = false;
      await this.work().catch((error: unknown) => this.onError(error));
      if (this.restMs > 0) await delay(this.restMs, undefined, { ref: false });
    }
  }
}
