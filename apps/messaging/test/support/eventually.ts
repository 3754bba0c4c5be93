import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;

/**
 * Waits until `attempt` no longer throws, and returns what it returned: wrap an `expect` in it. A
 * condition that stays false fails with its own last error.
 */
export async function eventually<Result>(
  attempt: () => Promise<Result> | Result,
  { withinMs = 15_000 }: { withinMs?: number } = {},
): Promise<Result> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(POLL_MS);
    }
  }
}

/** Calls `look` again and again while `work` is under way; for what must hold all the time. */
export async function throughout<Result>(
  work: Promise<Result>,
  look: () => Promise<void>,
): Promise<Result> {
  const state = { done: false };
  const finished = work.finally(() => (state.done = true));
  while (!state.done) await look();
  return finished;
}
