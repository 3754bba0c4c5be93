/** A batch of large tenants follows the one before within about this time. */
const GATHER_WITHIN_MS = 3;

/**
 * The acks of large tenants, which go out together: each channel's is an entry in the log of a quorum queue,
 * and the broker's disk is what others wait for. Of a batch each tenant has a part; the first that is large
 * takes the small ones along.
 */
export class AckRound {
  private readonly joined = new Set<() => void>();
  private due: NodeJS.Timeout | undefined;

  /** Has `send` be called at the end of the round, a moment later at most. */
  join(send: () => void): void {
    this.joined.add(send);
    this.due ??= setTimeout(() => this.end(), GATHER_WITHIN_MS);
  }

  /** Who joins in this turn of the loop is still in time. */
  endSoon(): void {
    queueMicrotask(() => this.end());
  }

  private end(): void {
    clearTimeout(this.due);
    this.due = undefined;
    const sends = [...this.joined];
    this.joined.clear();
    for (const send of sends) send();
  }
}
