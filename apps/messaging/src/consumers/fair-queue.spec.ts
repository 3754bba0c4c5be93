import { FairQueue } from './fair-queue';

interface Item {
  readonly of: string;
  readonly number: number;
}

function fill(queue: FairQueue<Item>, of: string, count: number, weight: number, bytes = 1): void {
  for (let number = 0; number < count; number++) {
    queue.add({ of, number }, { key: of, weight, bytes });
  }
}

const countOf = (batch: readonly Item[], of: string): number =>
  batch.filter((item) => item.of === of).length;

describe('FairQueue', () => {
  it('hands out all that fits, each owner in the order of arrival', () => {
    const queue = new FairQueue<Item>({ maxRows: 10, maxBytes: 100 });
    fill(queue, 'a', 4, 1);
    fill(queue, 'b', 3, 50);
    const batch = queue.take();
    expect(batch).toHaveLength(7);
    for (const owner of ['a', 'b']) {
      const numbers = batch.filter((item) => item.of === owner).map(({ number }) => number);
      expect(numbers).toEqual([...numbers.keys()]);
    }
    expect(queue.isEmpty).toBe(true);
  });

  it('divides a batch by weight when more waits than fits', () => {
    const queue = new FairQueue<Item>({ maxRows: 100, maxBytes: Infinity });
    fill(queue, 'heavy', 1_000, 30);
    fill(queue, 'light', 1_000, 10);
    for (let turn = 0; turn < 5; turn++) {
      const batch = queue.take();
      expect(batch).toHaveLength(100);
      expect(countOf(batch, 'heavy')).toBe(75);
      expect(countOf(batch, 'light')).toBe(25);
    }
  });

  it('has one of everybody in a batch that has room for it, however much others have', () => {
    const queue = new FairQueue<Item>({ maxRows: 500, maxBytes: Infinity });
    for (const flood of ['f1', 'f2', 'f3', 'f4']) fill(queue, flood, 1_000, 200);
    fill(queue, 'small', 3, 3);
    expect(countOf(queue.take(), 'small')).toBeGreaterThanOrEqual(1);
  });

  it('lets everybody come to the front in turn, when there are more owners than places', () => {
    const queue = new FairQueue<Item>({ maxRows: 3, maxBytes: Infinity });
    const owners = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    for (const owner of owners) fill(queue, owner, 2, 5);
    const seen = [queue.take(), queue.take(), queue.take()].flat().map(({ of }) => of);
    expect(seen.slice(0, 7)).toEqual(owners);
  });

  it('hands out what one owner has alone, in full batches', () => {
    const queue = new FairQueue<Item>({ maxRows: 4, maxBytes: Infinity });
    fill(queue, 'a', 10, 3);
    const batches = [queue.take(), queue.take(), queue.take()];
    expect(batches.map(({ length }) => length)).toEqual([4, 4, 2]);
    expect(batches.flat().map(({ number }) => number)).toEqual([...Array(10).keys()]);
  });

  it('stops before what does not fit by its size, and takes it first the next time', () => {
    const queue = new FairQueue<Item>({ maxRows: 10, maxBytes: 10 });
    fill(queue, 'a', 1, 1, 8);
    fill(queue, 'b', 1, 1, 5);
    fill(queue, 'c', 1, 1, 30);
    const batches = [queue.take(), queue.take(), queue.take()];
    expect(batches.map((batch) => batch.map(({ of }) => of))).toEqual([['a'], ['b'], ['c']]);
  });
});
