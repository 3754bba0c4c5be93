import { setTimeout as delay } from 'node:timers/promises';
import { Batcher, type Pace, UNPACED } from './batcher';
import { FairQueue } from './fair-queue';

/** A commit that the test lets go on, one batch at a time. */
class Gate {
  readonly batches: string[][] = [];
  private readonly held: (() => void)[] = [];
  private arrived: (() => void) | undefined;

  readonly commit = async (items: string[]): Promise<string[]> => {
    this.batches.push(items);
    this.arrived?.();
    await new Promise<void>((resolve) => this.held.push(resolve));
    if (items.includes('bad')) throw new Error('refused');
    return items.map((item) => item.toUpperCase());
  };

  async batch(count: number): Promise<void> {
    while (this.batches.length < count) {
      await new Promise<void>((resolve) => (this.arrived = resolve));
    }
  }

  release(): void {
    this.held.shift()?.();
  }
}

const limits = { maxRows: 3, maxBytes: 100 };

function setUp(
  bytesOf: (item: string) => number = () => 1,
  pace: Partial<Pace> = {},
): {
  gate: Gate;
  batcher: { add(item: string): Promise<string> };
} {
  const gate = new Gate();
  const batcher = new Batcher<string, string>(gate.commit, new FairQueue(limits), {
    ...UNPACED,
    ...pace,
  });
  const add = (item: string): Promise<string> =>
    batcher.add(item, { key: 'one', weight: 1, bytes: bytesOf(item) });
  return { gate, batcher: { add } };
}

describe('Batcher', () => {
  it('commits what comes in the same turn together', async () => {
    const { gate, batcher } = setUp();
    const results = Promise.all([batcher.add('a'), batcher.add('b')]);
    await gate.batch(1);
    gate.release();
    expect(await results).toEqual(['A', 'B']);
    expect(gate.batches).toEqual([['a', 'b']]);
  });

  it('gathers the next batch while one is committed, and keeps the order', async () => {
    const { gate, batcher } = setUp();
    const results = [batcher.add('a')];
    await gate.batch(1);
    results.push(...['b', 'c', 'd', 'e'].map((item) => batcher.add(item)));
    gate.release();
    await gate.batch(2);
    gate.release();
    await gate.batch(3);
    gate.release();
    expect(await Promise.all(results)).toEqual(['A', 'B', 'C', 'D', 'E']);
    expect(gate.batches).toEqual([['a'], ['b', 'c', 'd'], ['e']]);
  });

  it('never has two batches under way', async () => {
    const { gate, batcher } = setUp();
    const results = [batcher.add('a')];
    await gate.batch(1);
    results.push(batcher.add('b'));
    await new Promise(setImmediate);
    expect(gate.batches).toEqual([['a']]);
    gate.release();
    await gate.batch(2);
    gate.release();
    await Promise.all(results);
  });

  it('rests after a batch for as long as it is told, and takes what came meanwhile', async () => {
    const { gate, batcher } = setUp(undefined, { rest: (tookMs) => tookMs / 2 });
    const results = [batcher.add('a')];
    await gate.batch(1);
    results.push(batcher.add('b'));
    await delay(30);
    gate.release();
    await results[0];
    const start = performance.now();
    results.push(batcher.add('c'));
    await gate.batch(2);
    expect(performance.now() - start).toBeGreaterThanOrEqual(13);
    gate.release();
    await Promise.all(results);
    expect(gate.batches).toEqual([['a'], ['b', 'c']]);
  });

  it('holds the results of a batch back for as long as it is told, and commits nothing meanwhile', async () => {
    const { gate, batcher } = setUp(undefined, { hold: () => 15 });
    const results = [batcher.add('a')];
    await gate.batch(1);
    results.push(batcher.add('b'));
    const start = performance.now();
    gate.release();
    expect(await results[0]).toBe('A');
    expect(performance.now() - start).toBeGreaterThanOrEqual(14);
    expect(gate.batches).toEqual([['a']]);
    await gate.batch(2);
    gate.release();
    await Promise.all(results);
  });

  it('does not rest when as many wait as are worth a batch', async () => {
    const { gate, batcher } = setUp(undefined, {
      rest: (_, waiting) => (waiting < 2 ? 1_000_000 : 0),
    });
    const results = [batcher.add('a')];
    await gate.batch(1);
    results.push(batcher.add('b'), batcher.add('c'));
    gate.release();
    await results[0];
    await new Promise(setImmediate);
    expect(gate.batches).toEqual([['a'], ['b', 'c']]);
    gate.release();
    await Promise.all(results);
  });

  it('does not pause for long for a batch that had to wait', async () => {
    const { gate, batcher } = setUp(undefined, { hold: () => 1_000_000, rest: () => 1_000_000 });
    const results = [batcher.add('a')];
    await gate.batch(1);
    results.push(batcher.add('b'));
    await delay(10);
    gate.release();
    // A quarter of an hour, if it were for what it is told.
    await gate.batch(2);
    gate.release();
    expect(await Promise.all(results)).toEqual(['A', 'B']);
  });

  it('hands out a few results in each turn of the loop', async () => {
    const { gate, batcher } = setUp(undefined, { resultsAtATime: () => 2 });
    const handedOut: string[] = [];
    const results = ['a', 'b', 'c'].map(async (item) => {
      handedOut.push(await batcher.add(item));
    });
    await gate.batch(1);
    gate.release();
    await results[1];
    expect(handedOut).toEqual(['A', 'B']);
    await results[2];
    expect(handedOut).toEqual(['A', 'B', 'C']);
  });

  it('hands out more where the turns of the loop take long', async () => {
    const { gate, batcher } = setUp(undefined, { resultsAtATime: () => 1 });
    const handedOut: string[] = [];
    const results = ['a', 'b', 'c'].map(async (item) => {
      handedOut.push(await batcher.add(item));
      const end = performance.now() + 2;
      while (performance.now() < end);
    });
    await gate.batch(1);
    gate.release();
    await results[1];
    expect(handedOut).toEqual(['A', 'B', 'C']);
    await results[2];
  });

  it('takes an item that is larger than a batch, alone', async () => {
    const { gate, batcher } = setUp((item) => (item === 'large' ? 1000 : 60));
    const results = ['a', 'large', 'b', 'c'].map((item) => batcher.add(item));
    for (let batch = 1; batch <= 4; batch++) {
      await gate.batch(batch);
      gate.release();
    }
    await Promise.all(results);
    expect(gate.batches).toEqual([['a'], ['large'], ['b'], ['c']]);
  });

  it('fails the items of a batch that failed, and goes on', async () => {
    const { gate, batcher } = setUp();
    const bad = Promise.allSettled([batcher.add('bad'), batcher.add('a')]);
    await gate.batch(1);
    const good = batcher.add('b');
    gate.release();
    await gate.batch(2);
    gate.release();
    expect((await bad).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await good).toBe('B');
  });
});
