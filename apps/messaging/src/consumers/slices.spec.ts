import { Slices } from './slices';

const oneTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const keepBusy = (ms: number): void => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

interface SetUp {
  add: (count: number, ms?: number, of?: string) => void;
  /** The numbers of those that are done; each is added with the next number. */
  done: number[];
}

function setUp(sliceMs: number, sharedOut?: number): SetUp {
  const slices = new Slices({ sliceMs }, sharedOut);
  const done: number[] = [];
  let added = 0;
  const add = (count: number, ms = 0, of = 'somebody'): void => {
    for (let left = count; left > 0; left--) {
      const number = added++;
      const piece = (): void => {
        done.push(number);
        keepBusy(ms);
      };
      slices.add(piece, { key: of, weight: 1, bytes: 0 });
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

  it('does not let one wait behind all that somebody else has', async () => {
    const { add, done } = setUp(0, 2);
    add(6, 1, 'large');
    add(1, 1, 'late');
    while (done.length < 7) await oneTurn();
    expect(done.indexOf(6)).toBeLessThan(2);
    expect(done.filter((number) => number !== 6)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('takes more time where the turns take long', async () => {
    const { add, done } = setUp(0);
    add(100);
    expect(done).toEqual([]);
    keepBusy(50);
    await oneTurn();
    // Five milliseconds, a tenth of the turn: without it one piece.
    expect(done.length).toBeGreaterThan(1);
  });
});
