/** What is read from a socket at once takes some ten times as long. */
const SLICE_MS = 0.3;

/** Of a turn of the event loop that takes long since others keep it busy: nobody is to starve here either. */
const SHARE_OF_TURN = 0.2;

/**
 * Pieces of work that others need not wait for, a few in each turn of the event loop: what arrives
 * meanwhile, a request or a small tenant's message, has its turn before the next few. They are done in
 * the order in which they came, the first ones at once.
 *
 * https://nodejs.org/en/learn/asynchronous-work/dont-block-the-event-loop#partitioning
 */
export class Slices {
  private readonly waiting: (() => void)[] = [];
  private isTurn = false;
  private beganAt = -Infinity;
  private endsAt = -Infinity;

  /** @param sliceMs after which no other piece is begun in this turn */
  constructor(private readonly sliceMs = SLICE_MS) {}

  /** @param piece must not throw */
  add(piece: () => void): void {
    if (!this.isTurn) this.beginTurn(0);
    if (this.waiting.length === 0 && this.hasTime()) piece();
    else this.waiting.push(piece);
  }

  private hasTime(): boolean {
    return performance.now() < this.endsAt;
  }

  /** It ends when the loop has looked for what arrived. */
  private beginTurn(lastTookMs: number): void {
    this.isTurn = true;
    this.beganAt = performance.now();
    this.endsAt = this.beganAt + Math.max(this.sliceMs, lastTookMs * SHARE_OF_TURN);
    setImmediate(() => this.endTurn());
  }

  private endTurn(): void {
    this.isTurn = false;
    if (this.waiting.length === 0) return;
    this.beginTurn(performance.now() - this.beganAt);
    let count = 0;
    for (const piece of this.waiting) {
      if (count > 0 && !this.hasTime()) break;
      count++;
      piece();
    }
    this.waiting.splice(0, count);
  }
}
