import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './repository-root';
import { stopRequested } from './stop-request';
import { UpRun } from './up-run';
import { Watchdog } from './watchdog';

void up().then((code) => process.exit(code));

/** `npm run up`, after the build. Resolves with the exit code once all is stopped. */
async function up(): Promise<number> {
  const watchdog = Watchdog.start();
  const stop = stopRequested(() => stopAtOnce(watchdog));
  readDotEnv();
  const directory = join(repositoryRoot, '.data');
  const fresh = process.argv.includes('--fresh');
  const run = new UpRun({ directory, fresh, log: say, watchdog });
  const code = await untilStopped(run, stop);
  // Whatever was begun and not yet stopped.
  await watchdog.close();
  return code;
}

async function untilStopped(run: UpRun, stop: Promise<void>): Promise<number> {
  try {
    await Promise.race([run.serve(), stop]);
    if (!run.isServing) say('stopping');
    await run.stop();
    return 0;
  } catch (error) {
    process.stderr.write(`\n${messageOf(error)}\n\n`);
    await run.stop();
    return 1;
  }
}

/** The program reads the same file by itself; what it names must not be started here. */
function readDotEnv(): void {
  const file = join(repositoryRoot, '.env');
  if (existsSync(file)) process.loadEnvFile(file);
}

function stopAtOnce(watchdog: Watchdog): void {
  watchdog.killAll();
  process.exit(130);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Our own errors say all there is to say; of `TypeError` and its like the place helps. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name.endsWith('Error') ? (error.stack ?? error.message) : error.message;
}
