import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { findProgram } from './find-program';
import { OwnedProcess } from './owned-process';
import { stopLeftOver } from './left-over';
import type { Watchdog } from './watchdog';

/** Neither the name server of Erlang's nodes is there, nor an Erlang that could say where. */
export class EpmdNotFound extends Error {
  override readonly name = 'EpmdNotFound';
  constructor() {
    super('RabbitMQ is installed, and its Erlang has no "epmd" that could be found.');
  }
}

export interface EpmdOptions {
  port: number;
  /** Where its pid file and its output go. */
  directory: string;
  watchdog: Watchdog;
  log: (line: string) => void;
}

/**
 * Erlang's port mapper, which knows on which port a node listens. A node would start one for
 * the whole machine and leave it behind; this one is private and ends with its owner.
 */
export class Epmd {
  static async start({ port, directory, watchdog, log }: EpmdOptions): Promise<Epmd> {
    const pidFile = join(directory, 'epmd.pid');
    await stopLeftOver('epmd', pidFile, log);
    const process_ = await OwnedProcess.spawn({
      name: 'epmd',
      command: epmdProgram(),
      args: ['-address', '127.0.0.1', '-port', String(port)],
      env: process.env,
      watchdog,
      stopSignal: 'SIGTERM',
      output: { file: join(directory, 'epmd.log') },
      pidFile,
    });
    return new Epmd(process_);
  }

  private constructor(private readonly server: OwnedProcess) {}

  /** Bounded by 2 s; idempotent. */
  stop(): Promise<void> {
    return this.server.stop(2_000);
  }
}

function epmdProgram(): string {
  const epmd = findProgram('epmd', ['/usr/bin/epmd', '/opt/homebrew/bin/epmd']) ?? besideErlang();
  if (!epmd) throw new EpmdNotFound();
  return epmd;
}

function besideErlang(): string | undefined {
  const where =
    'io:format("~s/erts-~s/bin/epmd", [code:root_dir(), erlang:system_info(version)]), halt().';
  const { stdout } = spawnSync('erl', ['-noshell', '-eval', where], { encoding: 'utf8' });
  return stdout ? findProgram('epmd', [stdout]) : undefined;
}
