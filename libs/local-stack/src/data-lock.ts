import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Guarded } from './guarded';
import { identify, isRunning, type ProcessIdentity } from './process-identity';
import { waitUntil } from './wait-until';
import type { Watchdog } from './watchdog';

/** Another run owns the data and does not end. */
export class AlreadyRunning extends Error {
  override readonly name = 'AlreadyRunning';
  constructor(
    readonly pid: number,
    readonly directory: string,
  ) {
    super(
      `Another run (pid ${pid}) uses ${directory}. ` +
        `Stop it with Ctrl-C in its terminal or with "kill ${pid}", then try again.`,
    );
  }
}

export interface DataLockOptions {
  directory: string;
  watchdog: Watchdog;
  log: (line: string) => void;
  /** How long to wait for another run to end, in milliseconds; default 30 s. */
  waitMs?: number;
}

/** One owner of a data folder at a time: the run, and after it its watchdog while it tidies up. */
export class DataLock {
  /** @throws AlreadyRunning */
  static async acquire(options: DataLockOptions): Promise<DataLock> {
    mkdirSync(options.directory, { recursive: true });
    const lock = new DataLock(options);
    if (!lock.tryTake()) await lock.waitForOthers();
    options.watchdog.guard(lock.guarded);
    return lock;
  }

  private readonly file: string;
  private readonly guarded: Guarded;

  private constructor(private readonly options: DataLockOptions) {
    this.file = join(options.directory, 'lock');
    this.guarded = { kind: 'path', path: this.file };
  }

  release(): void {
    rmSync(this.file, { force: true });
    this.options.watchdog.release(this.guarded);
  }

  private async waitForOthers(): Promise<void> {
    const { directory, log, waitMs = 30_000 } = this.options;
    log(`an earlier run (pid ${this.livingOwner()?.pid ?? 0}) is still stopping: waiting for it`);
    const taken = await waitUntil(() => this.tryTake(), { withinMs: waitMs });
    if (!taken) throw new AlreadyRunning(this.livingOwner()?.pid ?? 0, directory);
  }

  private tryTake(): boolean {
    if (this.livingOwner()) return false;
    rmSync(this.file, { force: true });
    const draft = `${this.file}.${process.pid}`;
    writeFileSync(draft, JSON.stringify([identify(process.pid), this.options.watchdog.identity]));
    try {
      // Linking is what only one of several can do, and the file is complete when it appears.
      linkSync(draft, this.file);
      return true;
    } catch {
      return false;
    } finally {
      rmSync(draft);
    }
  }

  private livingOwner(): ProcessIdentity | undefined {
    try {
      const owners = JSON.parse(readFileSync(this.file, 'utf8')) as (ProcessIdentity | null)[];
      return owners.find((owner) => owner !== null && isRunning(owner)) ?? undefined;
    } catch {
      // There is no lock, or it is not readable, which no lock of ours is.
      return undefined;
    }
  }
}
