import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { endProcess } from './end-process';
import { commandLineOf, identify, type ProcessIdentity } from './process-identity';

/** Stops a PostgreSQL that an earlier, killed run left on this folder. */
export async function stopLeftOverPostgres(
  dataDir: string,
  log: (line: string) => void,
): Promise<void> {
  const data = resolve(dataDir, 'data');
  const pidFile = join(data, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const server = serverOf(data, pidFile);
  if (server) {
    log(`stopping PostgreSQL of an earlier run (pid ${server.pid})`);
    await endProcess(server, { stopSignal: 'SIGINT', graceMs: 10_000 });
  }
  // The pid may be another program's by now, which PostgreSQL would take for its server.
  rmSync(pidFile, { force: true });
}

function serverOf(data: string, pidFile: string): ProcessIdentity | undefined {
  const process = identify(Number.parseInt(readFileSync(pidFile, 'utf8'), 10));
  return process && commandLineOf(process.pid).includes(data) ? process : undefined;
}
