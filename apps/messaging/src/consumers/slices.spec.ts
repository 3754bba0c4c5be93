import { Slices } from './slices';

const oneTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const keepBusy = (ms: number): void => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

function setUp(sliceMs: number): {
  add: (count: number, ms?: number) => void;
  done: number[];
} {
  const slices = new Slices(sliceMs);
  const done: number[] = [];
  let added = 0;
  const add = (count: number, ms = 0): void => {
    for (let left = count; left > 0; left--) {
      const number = added++;
      slices.add(() => {
        done.push(number);
        keepBusy(ms);
      });
    }
  };
  return { add, done };
}

describe('Slices', () => {
  it('does what there is time for at once', () => {
    const { add, done } = setUp(Infinity);
    add(3);
    expect(done).toEqual([0, 1, 2]);
  });

  it('does one in each turn of the loop of what takes too long', async () => {
    const { add, done } = setUp(20);
    add(3, 25);
    expect(done).toEqual([0]);
    await oneTurn();
    expect(done).toEqual([0, 1]);
    await oneTurn();
    expect(done).toEqual([0, 1, 2]);
  });

  it('does what comes later behind what waits', async () => {
    const { add, done } = setUp(20);
    add(2, 25);
    await oneTurn();
    add(2);
    while (done.length < 4) await oneTurn();
    expect(done).toEqual([0, 1, 2, 3]);
  });

  it('takes more time where the turns take long', async () => {
    const { add, done } = setUp(0);
    add(100);
    expect(done).toEqual([]);
    keepBusy(50);
    await oneTurn();
    // Ten milliseconds, a fifth of the turn: without it one piece.
    expect(done.length).toBeGreaterThan(1);
  });
});
