import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { OwnedProcess } from './owned-process';
import { ServerDied } from './server-errors';
import type { Launch, Unprivileged } from './unprivileged';
import type { Watchdog } from './watchdog';

/** What lies in the folder of one PostgreSQL. */
export class PostgresFiles {
  readonly data: string;
  readonly log: string;
  private readonly passwordFile: string;

  readonly directory: string;

  constructor(directory: string) {
    // The server runs from another folder, where a relative path would mean another place.
    this.directory = resolve(directory);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.data = join(this.directory, 'data');
    this.log = join(this.directory, 'server.log');
    this.passwordFile = join(this.directory, 'password');
  }

  get password(): string {
    return readFileSync(this.passwordFile, 'utf8');
  }

  /** Makes the data folder at the first start. */
  async initialize(initdb: string, user: Unprivileged, watchdog: Watchdog): Promise<void> {
    if (existsSync(this.data)) return;
    const unfinished = `${this.data}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    this.writePassword(user);
    const { command, args, ...who } = user.launch(initdb, this.initdbArgs(unfinished));
    await runToEnd({ command, args, ...who, watchdog, log: this.log });
    // Only a finished folder gets the name under which the next start looks for it.
    renameSync(unfinished, this.data);
  }

  private writePassword(user: Unprivileged): void {
    writeFileSync(this.passwordFile, randomBytes(18).toString('base64url'), { mode: 0o600 });
    user.own(this.passwordFile);
  }

  private initdbArgs(data: string): string[] {
    return [
      `--pgdata=${data}`,
      '--username=messaging',
      `--pwfile=${this.passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      // The same order of texts on every machine, whatever its locales.
      '--no-locale',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
    ];
  }
}

/** The environment without settings that are meant for another PostgreSQL. */
export function postgresEnvironment(): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG)/.test(name));
  return { ...Object.fromEntries(others), TZ: 'UTC' };
}

interface InitdbRun extends Launch {
  watchdog: Watchdog;
  log: string;
}

async function runToEnd({ log, ...run }: InitdbRun): Promise<void> {
  const initdb = await OwnedProcess.spawn({
    ...run,
    name: 'initdb',
    env: postgresEnvironment(),
    stopSignal: 'SIGTERM',
    output: { file: log },
  });
  const exit = await initdb.exited;
  if (exit.code !== 0) throw new ServerDied('initdb', exit, initdb.logTail());
}
