import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

const IDLE_SHARE = 0.7;
const LOOK_MS = 2_000;
const PATIENCE_MS = 120_000;

interface Ticks {
  readonly idle: number;
  readonly all: number;
}

/**
 * Waits until the machine has little to do, two minutes at most: after a backlog, servers tidy up for a
 * while (segments are written, rows are vacuumed), and what is measured meanwhile is that.
 */
export async function untilCalm(): Promise<void> {
  const start = performance.now();
  for (let idle = 0; idle < IDLE_SHARE && performance.now() < start + PATIENCE_MS;) {
    const before = ticks();
    await delay(LOOK_MS);
    const after = ticks();
    idle = (after.idle - before.idle) / (after.all - before.all);
  }
}

function ticks(): Ticks {
  const times = cpus().map(({ times }) => times);
  const idle = times.reduce((sum, each) => sum + each.idle, 0);
  const all = times.reduce(
    (sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq,
    0,
  );
  return { idle, all };
}
