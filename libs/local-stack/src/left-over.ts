import { existsSync, readFileSync, rmSync } from 'node:fs';
import { endProcess } from './end-process';
import { isRunning, type ProcessIdentity } from './process-identity';

/** Stops the process that a killed run left behind, as its pid file names it. */
export async function stopLeftOver(
  name: string,
  pidFile: string,
  log: (line: string) => void,
): Promise<void> {
  const process = readIdentity(pidFile);
  if (process && isRunning(process)) {
    log(`stopping ${name} of an earlier run (pid ${process.pid})`);
    await endProcess(process, { stopSignal: 'SIGTERM', graceMs: 15_000 });
  }
  rmSync(pidFile, { force: true });
}

function readIdentity(pidFile: string): ProcessIdentity | undefined {
  if (!existsSync(pidFile)) return undefined;
  try {
    return JSON.parse(readFileSync(pidFile, 'utf8')) as ProcessIdentity;
  } catch {
    // Its writer was killed in the middle of it.
    return undefined;
  }
}
