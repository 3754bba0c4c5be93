/** What a batch may hold. */
export interface BatchLimits {
  readonly maxRows: number;
  readonly maxBytes: number;
}

/** Whose an item is, how much its owner may have of a batch that not all fit into, and its size. */
export interface Claim {
  readonly key: string;
  readonly weight: number;
  readonly bytes: number;
}

interface Waiting<Item> {
  readonly item: Item;
  readonly bytes: number;
}

interface Line<Item> {
  readonly weight: number;
  items: Waiting<Item>[];
}

/**
 * Items that wait, in a line for each owner. When more waits than fits into a batch, the owners take
 * turns: of every batch each gets a part by its weight, and one item at least, so that who has little
 * never waits behind all that somebody else has. Within a line the order is that of arrival.
 *
 * The idea is that of weighted round robin (Katevenis et al., "Weighted round-robin cell
 * multiplexing in a general-purpose ATM switch chip", 1991).
 */
export class FairQueue<Item> {
  /** In the order of their turns: who was served goes to the end. */
  private readonly lines = new Map<string, Line<Item>>();
  private weights = 0;
  private count = 0;

  constructor(private readonly limits: BatchLimits) {}

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** How many items wait. */
  get size(): number {
    return this.count;
  }

  add(item: Item, { key, weight, bytes }: Claim): void {
    const line = this.lines.get(key);
    this.count++;
    if (line) line.items.push({ item, bytes });
    else {
      this.lines.set(key, { weight, items: [{ item, bytes }] });
      this.weights += weight;
    }
  }

  /** The next batch: at least one item, however large. */
  take(): Item[] {
    const batch: Item[] = [];
    const { maxRows, maxBytes } = this.limits;
    let room = maxBytes;
    const perWeight = maxRows / this.weights;
    while (!this.isEmpty && batch.length < maxRows) {
      for (const [key, line] of [...this.lines]) {
        const quota = Math.max(1, Math.floor(perWeight * line.weight));
        const rows = Math.min(quota, maxRows - batch.length);
        const taken = fitting(line.items, rows, room, batch.length === 0);
        if (taken.length === 0) return batch;
        for (const { item, bytes } of taken) {
          batch.push(item);
          room -= bytes;
        }
        this.serve(key, line, taken.length);
      }
    }
    return batch;
  }

  /**
   * The line gives away what it was served, for good: a map's outgrown tables may keep it until the next
   * full collection, and everything in it would stay as long.
   */
  private serve(key: string, line: Line<Item>, count: number): void {
    this.count -= count;
    line.items = line.items.slice(count);
    this.lines.delete(key);
    if (line.items.length > 0) this.lines.set(key, line);
    else this.weights -= line.weight;
  }
}

/** As many from the front as there is room for; the first of a batch always has room. */
function fitting<Item>(
  items: readonly Waiting<Item>[],
  rows: number,
  room: number,
  isFirst: boolean,
): readonly Waiting<Item>[] {
  let count = 0;
  for (const { bytes } of items.slice(0, rows)) {
    room -= bytes;
    if (room < 0 && !(isFirst && count === 0)) break;
    count++;
  }
  return items.slice(0, count);
}
