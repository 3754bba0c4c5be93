import type { Client } from 'pg';

/** One statement: when it began, and how long it took, in milliseconds. */
export interface Timed {
  readonly at: number;
  readonly ms: number;
}

/** Runs one statement again and again until told to stop, and times each. */
export async function timeEach(
  client: Client,
  text: string,
  values: unknown[],
  goesOn: () => boolean,
): Promise<Timed[]> {
  const timed: Timed[] = [];
  while (goesOn()) {
    const at = performance.now();
    await client.query(text, values);
    timed.push({ at, ms: performance.now() - at });
  }
  return timed;
}

/**
 * The statements that took longer than `limitMs` while the others went on: a machine that pauses,
 * or a disk that is slow, stalls both loops; a lock stalls only the one that waits for it.
 */
export function stallsOfItsOwn(
  timed: readonly Timed[],
  others: readonly Timed[],
  limitMs: number,
): Timed[] {
  return timed.filter(({ at, ms }) => {
    const meanwhile = others.filter((other) => other.at < at + ms && other.at + other.ms > at);
    const slowest = Math.max(0, ...meanwhile.map((other) => other.ms));
    return ms - slowest > limitMs;
  });
}
