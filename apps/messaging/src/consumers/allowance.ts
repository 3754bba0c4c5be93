/** A timer has no less. */
const LEAST_MS = 1;

/**
 * A share of all time, of which no more than `mostMs` is saved up (a token bucket): what is taken of it in
 * the long run does not depend on how often somebody asks.
 */
export class Allowance {
  private leftMs = 0;
  private countedAt: number;

  constructor(
    private readonly share: number,
    private readonly mostMs: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.countedAt = now();
  }

  /** @returns how many milliseconds may be used of the wanted ones, 0 where less than one may */
  take(wantedMs: number): number {
    this.count();
    const ms = Math.min(wantedMs, this.leftMs);
    if (ms < LEAST_MS) return 0;
    this.leftMs -= ms;
    return ms;
  }

  private count(): void {
    const now = this.now();
    this.leftMs = Math.min(this.leftMs + (now - this.countedAt) * this.share, this.mostMs);
    this.countedAt = now;
  }
}
