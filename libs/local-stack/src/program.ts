import { join } from 'node:path';
import { OwnedProcess } from './owned-process';
import { repositoryRoot } from './repository-root';
import { untilReady } from './until-ready';
import type { Watchdog } from './watchdog';

export const programName = 'The messaging program';
const main = join(repositoryRoot, 'dist/apps/messaging/src/main.js');
const readyWithinMs = 60_000;

export interface ProgramOptions {
  env: NodeJS.ProcessEnv;
  baseUrl: string;
  watchdog: Watchdog;
}

/**
 * Starts the built program, which says what it has to say on our own output; resolves once it
 * takes requests.
 * @throws ServerDied, ServerNotReady
 */
export async function startProgram(options: ProgramOptions): Promise<OwnedProcess> {
  const program = await OwnedProcess.spawn({
    name: programName,
    command: process.execPath,
    args: [main],
    env: options.env,
    cwd: repositoryRoot,
    watchdog: options.watchdog,
    stopSignal: 'SIGTERM',
    output: 'ours',
  });
  await untilReady(programName, program, () => isReady(options.baseUrl), {
    withinMs: readyWithinMs,
  });
  return program;
}

async function isReady(baseUrl: string): Promise<boolean> {
  const paths = ['/health/ready', '/health/startup'];
  const answers = await Promise.all(paths.map((path) => isOk(`${baseUrl}${path}`)));
  return answers.every(Boolean);
}

async function isOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
