import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { endProcess, send } from './end-process';
import type { ExitStatus } from './exit-status';
import type { Guarded } from './guarded';
import { logTail } from './log-tail';
import { identify, isRunning, type ProcessIdentity } from './process-identity';
import { CouldNotStart, StoppedMeanwhile } from './server-errors';
import type { Watchdog } from './watchdog';

export interface OwnedProcessOptions {
  /** What messages call it. */
  name: string;
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  watchdog: Watchdog;
  /** What asks it to stop in order. */
  stopSignal: NodeJS.Signals;
  /** Where its output goes: a file that grows, or our own output. */
  output: { file: string } | 'ours';
  /** Its own log, when it writes one beside its output. */
  logFile?: string;
  /** Tells a later run which process to look for, should this run be killed. */
  pidFile?: string;
  /** Default '/', since a server would otherwise keep a folder of ours busy. */
  cwd?: string;
  uid?: number;
  gid?: number;
}

/**
 * A child process in a group of its own, so that a terminal's Ctrl-C reaches us and not it; it
 * is stopped by us, or by the watchdog when we are gone.
 */
export class OwnedProcess {
  readonly exited: Promise<ExitStatus>;
  private readonly identity: ProcessIdentity;
  private readonly guarded: Guarded;

  /** @throws CouldNotStart, StoppedMeanwhile */
  static async spawn(options: OwnedProcessOptions): Promise<OwnedProcess> {
    refuseWhenClosed(options);
    const output = options.output === 'ours' ? 'inherit' : openSync(options.output.file, 'a');
    try {
      const child = spawn(options.command, options.args, spawnOptions(options, output));
      await untilSpawned(child, options);
      if (options.watchdog.isClosed) child.kill('SIGKILL');
      refuseWhenClosed(options);
      return new OwnedProcess(child, options);
    } finally {
      if (output !== 'inherit') closeSync(output);
    }
  }

  private constructor(
    child: ChildProcess,
    private readonly options: OwnedProcessOptions,
  ) {
    const pid = child.pid ?? 0;
    // One that has ended already has no start any more, and is then equal to no process.
    this.identity = identify(pid) ?? { pid, startedAt: 'ended' };
    this.guarded = { kind: 'process', process: this.identity, stopSignal: options.stopSignal };
    options.watchdog.guard(this.guarded);
    if (options.pidFile) writeFileSync(options.pidFile, JSON.stringify(this.identity));
    this.exited = this.exitOf(child);
  }

  get pid(): number {
    return this.identity.pid;
  }

  get isRunning(): boolean {
    return isRunning(this.identity);
  }

  kill(signal: NodeJS.Signals): void {
    if (this.isRunning) send(this.pid, signal);
  }

  /** Asks it to stop and kills it when it has not after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    await endProcess(this.identity, { stopSignal: this.options.stopSignal, graceMs });
    await this.exited;
  }

  /** The last lines that it said. */
  logTail(): string {
    const { output, logFile } = this.options;
    const said = output === 'ours' ? '' : logTail(output.file);
    return [logFile ? logTail(logFile) : '', said].filter((text) => text !== '').join('\n');
  }

  private exitOf(child: ChildProcess): Promise<ExitStatus> {
    return new Promise((resolve) => {
      const ended = (code: number | null, signal: NodeJS.Signals | null): void => {
        this.options.watchdog.release(this.guarded);
        if (this.options.pidFile) rmSync(this.options.pidFile, { force: true });
        resolve({ code, signal });
      };
      if (child.exitCode !== null || child.signalCode !== null) {
        ended(child.exitCode, child.signalCode);
      } else child.once('exit', ended);
    });
  }
}

/** The stop may come while a start is on its way: nothing may be spawned after it. */
function refuseWhenClosed({ name, watchdog }: OwnedProcessOptions): void {
  if (watchdog.isClosed) throw new StoppedMeanwhile(name);
}

function spawnOptions(options: OwnedProcessOptions, output: number | 'inherit'): SpawnOptions {
  const { env, uid, gid, cwd = '/' } = options;
  const user = uid === undefined || gid === undefined ? {} : { uid, gid };
  return { env, ...user, cwd, detached: true, stdio: ['ignore', output, output] };
}

function untilSpawned(child: ChildProcess, { name, command }: OwnedProcessOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => {
      reject(new CouldNotStart(name, command, cause));
    });
  });
}
