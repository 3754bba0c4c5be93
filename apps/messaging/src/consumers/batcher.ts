/** What a batch may hold. */
export interface BatchLimits {
  readonly maxRows: number;
  readonly maxBytes: number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly bytes: number;
  readonly resolve: (result: Result) => void;
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
  private waiting: Waiting<Item, Result>[] = [];
  private committing = false;

  /** `commit` gets the items in the order in which they were added, and answers in that order. */
  constructor(
    private readonly commit: (items: Item[]) => Promise<Result[]>,
    private readonly limits: BatchLimits,
    private readonly bytesOf: (item: Item) => number,
  ) {}

  /** Resolves with what became of this item; rejects when the commit of its batch rejects. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, bytes: this.bytesOf(item), resolve, reject });
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
    while (this.waiting.length > 0) await this.commitOne(this.next());
    this.committing = false;
  }

  private async commitOne(batch: Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.commit(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, index) => resolve(results[index] as Result));
    } catch (error) {
      batch.forEach(({ reject }) => reject(error));
    }
  }

  /** At least one item, however large. */
  private next(): Waiting<Item, Result>[] {
    let rows = 0;
    let bytes = 0;
    for (const waiting of this.waiting) {
      bytes += waiting.bytes;
      if (rows > 0 && (rows >= this.limits.maxRows || bytes > this.limits.maxBytes)) break;
      rows++;
    }
    return this.waiting.splice(0, rows);
  }
}
