import { DatabaseBreaker } from './database-breaker';
import type { Grant } from './rate-buckets';
import { RateLease } from './rate-lease';

/** Replicas and their bucket, in a time that passes a millisecond at a time. */
class World {
  now = 0;
  questions = 0;
  away = false;
  readonly leases: RateLease[];
  private tokens: number;
  private filledAt = 0;

  constructor(
    private readonly rate: number,
    replicas: number,
  ) {
    this.tokens = rate;
    this.leases = Array.from({ length: replicas }, () => this.lease(replicas));
  }

  /** Each replica is asked for `perMs` messages of `count` a millisecond; returns what it took. */
  async pass(ms: number, perMs: number, count = 1): Promise<number> {
    let accepted = 0;
    for (const until = this.now + ms; this.now < until; this.now++) {
      for (let sent = 0; sent < perMs * this.leases.length; sent++) {
        const lease = this.leases[sent % this.leases.length];
        if ((await lease?.take(count))?.kind === 'taken') accepted += count;
      }
    }
    return accepted;
  }

  private lease(replicas: number): RateLease {
    const breaker = new DatabaseBreaker();
    const take = (want: number): Promise<Grant> =>
      this.away ? Promise.reject(new Error('away')) : Promise.resolve(this.give(want, replicas));
    return new RateLease(this.rate, take, breaker, () => this.now);
  }

  private give(want: number, replicas: number): Grant {
    this.questions++;
    const filled = this.tokens + ((this.now - this.filledAt) * this.rate) / 1_000;
    const level = Math.min(this.rate, filled);
    const granted = Math.min(want, Math.floor(level));
    this.tokens = level - granted;
    this.filledAt = this.now;
    return { granted, left: this.tokens, replicas };
  }
}

describe('a lease of a rate', () => {
  it.each([
    [1, 1],
    [1, 3],
    [7, 2],
    [100, 1],
    [100, 5],
    [1_000, 2],
    [10_000, 4],
  ])('keeps %i messages a second by %i replicas within 10 %%', async (rate, replicas) => {
    const world = new World(rate, replicas);
    const twiceTheRate = Math.ceil((2 * rate) / 1_000 / replicas);
    await world.pass(2_000, twiceTheRate);
    const accepted = await world.pass(10_000, twiceTheRate);
    expect(accepted).toBeGreaterThanOrEqual(10 * rate * 0.9);
    expect(accepted).toBeLessThanOrEqual(10 * rate * 1.1);
  });

  it('lets a second’s worth come at once, and no more', async () => {
    const world = new World(500, 2);
    expect(await world.pass(1, 1_000)).toBe(500);
  });

  it('asks some 15 times a second at most, whatever comes', async () => {
    const world = new World(1_000, 1);
    await world.pass(10_000, 5);
    expect(world.questions).toBeLessThan(200);
  });

  it('takes a batch as a whole or not at all, and the largest when the bucket is full', async () => {
    const world = new World(100, 1);
    const [lease] = world.leases;
    expect(await lease?.take(100)).toEqual({ kind: 'taken', remaining: 0 });
    expect(await lease?.take(60)).toMatchObject({ kind: 'refused', afterMs: 600 });
    world.now = 600;
    expect(await lease?.take(60)).toEqual({ kind: 'taken', remaining: 0 });
  });

  it('gives up what it did not use, rather than to hoard it', async () => {
    const world = new World(100, 1);
    const [lease] = world.leases;
    await lease?.take(1);
    expect(world.questions).toBe(1);
    world.now = 5_000;
    await lease?.take(1);
    expect(world.questions).toBe(2);
  });

  it('goes on with its share while the database is away', async () => {
    const world = new World(100, 2);
    await world.pass(2_000, 1);
    world.away = true;
    const accepted = await world.pass(10_000, 1);
    expect(accepted).toBeGreaterThan(900);
    expect(accepted).toBeLessThanOrEqual(1_100);
  });
});
