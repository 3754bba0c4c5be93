import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { send } from './end-process';
import { keyOf, type Guarded, type WatchdogMessage } from './guarded';
import { identify, type ProcessIdentity } from './process-identity';
import { repositoryRoot } from './repository-root';
import { waitUntil } from './wait-until';

const program = join(repositoryRoot, 'dist/libs/local-stack/src/watchdog-main.js');

/** The build, of which the watchdog's program is a part, is missing. */
export class WatchdogNotBuilt extends Error {
  override readonly name = 'WatchdogNotBuilt';
  constructor(readonly file: string) {
    super(`${file} is missing: run "npm run build" first.`);
  }
}

/**
 * A small process that outlives this one by a moment. However this one ends, `kill -9` too, the
 * pipe between them closes, and the watchdog then stops and removes what is still guarded.
 */
export class Watchdog {
  static start(): Watchdog {
    if (!existsSync(program)) throw new WatchdogNotBuilt(program);
    // Of our files it gets the pipe alone: were it to hold our standard output too, a
    // `npm test | tail` would wait for it.
    const child = spawn(process.execPath, [program], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    return new Watchdog(child);
  }

  readonly identity: ProcessIdentity | undefined;
  private readonly guarded = new Map<string, Guarded>();

  private constructor(private readonly child: ChildProcessByStdio<Writable, null, null>) {
    this.identity = identify(child.pid ?? 0);
    // A watchdog that was killed guards nothing; the work itself can go on.
    child.on('error', () => undefined);
    child.stdin.on('error', () => undefined);
    child.unref();
    (child.stdin as Writable & { unref?: () => void }).unref?.();
  }

  /** From `close` on nothing more may be started: nobody would end it. */
  get isClosed(): boolean {
    return this.child.stdin.writableEnded;
  }

  guard(what: Guarded): void {
    this.guarded.set(keyOf(what), what);
    this.tell({ action: 'guard', what });
  }

  release(what: Guarded): void {
    this.guarded.delete(keyOf(what));
    this.tell({ action: 'release', what });
  }

  /** Lets it end what is still guarded, and waits for that; bounded by 60 s. */
  async close(): Promise<void> {
    this.child.stdin.end();
    const ended = (): boolean => this.child.exitCode !== null || this.child.signalCode !== null;
    await waitUntil(ended, { withinMs: 60_000, everyMs: 20 });
  }

  /** Ends the guarded processes without asking them. */
  killAll(): void {
    for (const what of this.guarded.values()) {
      if (what.kind === 'process') send(-what.process.pid, 'SIGKILL');
    }
  }

  private tell(message: WatchdogMessage): void {
    if (this.child.stdin.writable) this.child.stdin.write(`${JSON.stringify(message)}\n`);
  }
}
