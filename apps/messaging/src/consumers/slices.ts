import { type Claim, FairQueue } from './fair-queue';

/** Of a turn of the event loop that takes long since others keep it busy: nobody is to starve here either. */
const SHARE_OF_TURN = 0.1;

/** Who comes late has his part of the next so many: they take a few milliseconds. */
const SHARED_OUT = 100;

type Piece = () => void;

export interface SliceLimits {
  /** No other piece is begun in a turn of the event loop after so many milliseconds. */
  readonly sliceMs: number;
}

/**
 * Pieces of work that others need not wait for, a few in each turn of the event loop: what arrives
 * meanwhile, a request or a small tenant's message, has its turn before the next few. The first ones are done
 * at once; those that wait take turns by their owners, as in every {@link FairQueue}.
 *
 * https://nodejs.org/en/learn/asynchronous-work/dont-block-the-event-loop#partitioning
 */
export class Slices {
  private readonly waiting: FairQueue<Piece>;
  /** What is next of those that wait, the very next one last. */
  private next: Piece[] = [];
  private isTurn = false;
  private beganAt = -Infinity;
  private endsAt = -Infinity;

  /**
   * Reads `limits` anew for every turn.
   *
   * @param sharedOut of so many pieces that are next, each owner has a part
   */
  constructor(
    private readonly limits: SliceLimits,
    sharedOut = SHARED_OUT,
  ) {
    this.waiting = new FairQueue({ maxRows: sharedOut, maxBytes: Infinity });
  }

  /** @param piece must not throw */
  add(piece: Piece, claim: Claim): void {
    if (!this.isTurn) this.beginTurn(0);
    if (this.isEmpty() && this.hasTime()) piece();
    else this.waiting.add(piece, claim);
  }

  private isEmpty(): boolean {
    return this.next.length === 0 && this.waiting.isEmpty;
  }

  private hasTime(): boolean {
    return performance.now() < this.endsAt;
  }

  /** It ends when the loop has looked for what arrived. */
  private beginTurn(lastTookMs: number): void {
    this.isTurn = true;
    this.beganAt = performance.now();
    this.endsAt = this.beganAt + Math.max(this.limits.sliceMs, lastTookMs * SHARE_OF_TURN);
    setImmediate(() => this.endTurn());
  }

  private endTurn(): void {
    this.isTurn = false;
    if (this.isEmpty()) return;
    this.beginTurn(performance.now() - this.beganAt);
    do this.doNext();
    while (!this.isEmpty() && this.hasTime());
  }

  private doNext(): void {
    if (this.next.length === 0) this.next = this.waiting.take().reverse();
    this.next.pop()?.();
  }
}
