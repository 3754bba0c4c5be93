import { Allowance } from './allowance';

describe('Allowance', () => {
  let now: number;
  let allowance: Allowance;

  beforeEach(() => {
    now = 1_000;
    allowance = new Allowance(0.125, 20, () => now);
  });

  it('gives nothing to begin with', () => {
    expect(allowance.take(10)).toBe(0);
  });

  it('gives what is wanted where that much is left, and then the rest', () => {
    now += 120;
    expect(allowance.take(10)).toBe(10);
    expect(allowance.take(10)).toBe(5);
    expect(allowance.take(10)).toBe(0);
  });

  it('saves up no more than its most', () => {
    now += 3_600_000;
    expect(allowance.take(1_000)).toBe(20);
    expect(allowance.take(1_000)).toBe(0);
  });

  it('gives its share of the time in the long run, however often it is asked', () => {
    let taken = 0;
    for (const end = now + 8_000; now < end; now += 3) taken += allowance.take(7);
    expect(taken).toBeGreaterThan(990);
    expect(taken).toBeLessThanOrEqual(1_000);
  });

  it('gives nothing rather than less than a timer can wait', () => {
    now += 7;
    expect(allowance.take(10)).toBe(0);
    now += 1;
    expect(allowance.take(10)).toBe(1);
  });
});
