/** Keeps the `most` entries that were set last. */
export class BoundedMap<Key, Value> {
  private readonly entries = new Map<Key, Value>();

  constructor(private readonly most: number) {}

  get(key: Key): Value | undefined {
    return this.entries.get(key);
  }

  set(key: Key, value: Value): Value {
    this.entries.delete(key);
    this.entries.set(key, value);
    // A Map's order is that of insertion.
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= this.most) break;
      this.entries.delete(oldest);
    }
    return value;
  }

  delete(key: Key): void {
    this.entries.delete(key);
  }
}
