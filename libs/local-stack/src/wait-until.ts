import { setTimeout as pause } from 'node:timers/promises';

export interface WaitOptions {
  withinMs: number;
  /** Pause between two looks; default 100 ms. */
  everyMs?: number;
}

/** Looks until the condition holds; false when it did not within the time. */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  { withinMs, everyMs = 100 }: WaitOptions,
): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await pause(everyMs);
  }
  return true;
}
