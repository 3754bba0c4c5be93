import type { DatabaseBreaker } from './database-breaker';
import type { Grant } from './rate-buckets';

/** A tenth of a second's worth is taken at a time: some 10 to 15 questions a second, and no more. */
const SLICE_SECONDS = 0.1;

/** A bucket that was empty is left alone for this long, and a little more so that replicas mix. */
const EMPTY_PAUSE_MS = 100;
const JITTER_MS = 50;

/** What was taken and not used by then is given up, rather than hoarded. */
const KEPT_MS = 1_000;

export type Taken =
  { kind: 'taken'; remaining: number } | { kind: 'refused'; remaining: number; afterMs: number };

type Asks = Pick<DatabaseBreaker, 'attempt' | 'closed'>;

/**
 * What this process may accept of one tenant's messages without asking: tokens that were taken from
 * the bucket that all replicas share, a slice at a time. While the database is away, this process
 * goes on with its last known share of the rate: one of as many as asked lately.
 */
export class RateLease {
  private tokens = 0;
  private left: number;
  private replicas = 1;
  private answeredAt: number;
  private mayAskAt = 0;
  /** What those need who wait for an answer. */
  private waiting = 0;
  private asking: Promise<void> | undefined;
  /** What fills at this process's own share, from the last answer on. */
  private alone: { tokens: number; at: number };

  constructor(
    readonly rate: number,
    private readonly takeFromBucket: (want: number) => Promise<Grant>,
    private readonly breaker: Asks,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.left = rate;
    this.answeredAt = now();
    this.alone = { tokens: rate, at: now() };
  }

  /** Takes `count` tokens, all or none; `count` is at most the rate. */
  async take(count: number): Promise<Taken> {
    while (!this.takeOwn(count)) {
      if (this.breaker.closed && this.now() < this.mayAskAt) return this.refused(count);
      if (!(await this.askFor(count))) return this.takeAlone(count);
    }
    return { kind: 'taken', remaining: this.remaining() };
  }

  private takeOwn(count: number): boolean {
    if (this.now() - this.answeredAt > KEPT_MS) this.tokens = 0;
    if (this.tokens < count) return false;
    this.tokens -= count;
    return true;
  }

  /** Whoever comes while a question is under way waits for its answer. */
  private async askFor(count: number): Promise<boolean> {
    this.waiting += count;
    const answered = await this.breaker.attempt(() => {
      this.asking ??= this.ask().finally(() => (this.asking = undefined));
      return this.asking;
    });
    this.waiting -= count;
    return answered;
  }

  private async ask(): Promise<void> {
    const want = Math.min(this.rate, Math.max(this.waiting, Math.ceil(this.rate * SLICE_SECONDS)));
    const { granted, left, replicas } = await this.takeFromBucket(want);
    this.answeredAt = this.now();
    this.tokens += granted;
    this.left = left;
    this.replicas = replicas;
    this.alone = { tokens: 0, at: this.answeredAt };
    this.mayAskAt = granted < want ? this.answeredAt + this.pauseMs() : 0;
  }

  private pauseMs(): number {
    const untilOneMs = ((1 - this.left) / this.rate) * 1_000;
    return Math.max(untilOneMs, EMPTY_PAUSE_MS + Math.random() * JITTER_MS);
  }

  private takeAlone(count: number): Taken {
    const now = this.now();
    const share = this.rate / this.replicas;
    const { tokens, at } = this.alone;
    const filled = Math.min(this.rate, tokens + (share * (now - at)) / 1_000);
    const taken = filled >= count;
    this.alone = { tokens: taken ? filled - count : filled, at: now };
    const remaining = Math.floor(this.alone.tokens);
    if (taken) return { kind: 'taken', remaining };
    return { kind: 'refused', remaining, afterMs: ((count - filled) / share) * 1_000 };
  }

  private refused(count: number): Taken {
    const afterMs = ((count - this.tokens - this.left) / this.rate) * 1_000;
    return { kind: 'refused', remaining: Math.min(this.remaining(), count - 1), afterMs };
  }

  private remaining(): number {
    return Math.min(this.rate, Math.floor(this.tokens + this.left));
  }
}
