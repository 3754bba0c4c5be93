/** Not sooner: a queue must be gone for good before it is declared again, see `restoreQueue`. */
const FIRST_MS = 500;
/** A tenant that was broken heals within 10 s of its cause going away. */
const LONGEST_MS = 5_000;

interface Retry {
  failures: number;
  timer: NodeJS.Timeout | undefined;
}

/** Tries again later, per tenant: exponentially, with jitter, so that a broken tenant costs little. */
export class RetrySchedule {
  private readonly retries = new Map<string, Retry>();
  private stopped = false;

  constructor(private readonly retry: (tenantId: string) => void) {}

  schedule(tenantId: string): void {
    const entry = this.retries.get(tenantId) ?? { failures: 0, timer: undefined };
    this.retries.set(tenantId, entry);
    if (this.stopped || entry.timer) return;
    const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(entry.failures++, 10));
    entry.timer = setTimeout(
      () => {
        entry.timer = undefined;
        this.retry(tenantId);
      },
      longest / 2 + (Math.random() * longest) / 2,
    );
  }

  /** It runs: the next failure is a first one again. */
  forget(tenantId: string): void {
    clearTimeout(this.retries.get(tenantId)?.timer);
    this.retries.delete(tenantId);
  }

  /** Forgets all but those that are still ours to try. */
  keep(isOurs: (tenantId: string) => boolean): void {
    for (const tenantId of this.retries.keys()) if (!isOurs(tenantId)) this.forget(tenantId);
  }

  stop(): void {
    this.stopped = true;
    for (const { timer } of this.retries.values()) clearTimeout(timer);
    this.retries.clear();
  }
}
