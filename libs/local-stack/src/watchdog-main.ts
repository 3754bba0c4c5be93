import { spawnSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { endProcess } from './end-process';
import { keyOf, type Guarded, type WatchdogMessage } from './guarded';

const graceMs = 10_000;
const guarded = new Map<string, Guarded>();

// Whoever kills "all node processes" should not meet this one.
process.title = 'messaging-watchdog';
// It ends with its owner, and by nothing else.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

createInterface({ input: process.stdin })
  .on('line', (line) => heed(JSON.parse(line) as WatchdogMessage))
  .on('close', () => void cleanUp());

function heed({ action, what }: WatchdogMessage): void {
  if (action === 'guard') guarded.set(keyOf(what), what);
  else guarded.delete(keyOf(what));
}

/** Ends in the reverse order: first the program, which still needs its servers to drain. */
async function cleanUp(): Promise<void> {
  const left = [...guarded.values()].reverse();
  for (const what of left) if (what.kind !== 'path') await end(what);
  for (const what of left) if (what.kind === 'path') await end(what);
  process.exit(0);
}

async function end(what: Guarded): Promise<void> {
  switch (what.kind) {
    case 'process':
      return endProcess(what.process, { stopSignal: what.stopSignal, graceMs });
    case 'container':
      return void spawnSync('docker', ['rm', '-f', '-v', what.name], { stdio: 'ignore' });
    case 'path':
      return rm(what.path, { recursive: true, force: true, maxRetries: 5 });
  }
}
