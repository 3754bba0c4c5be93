import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { banner } from './banner';
import { DataLock } from './data-lock';
import { openDataDirectory } from './data-ownership';
import { LocalStack } from './local-stack';
import type { ExitStatus } from './exit-status';
import type { OwnedProcess } from './owned-process';
import { programName, startProgram } from './program';
import { ServerDied } from './server-errors';
import { removeDirectory } from './temporary-directory';
import { baseUrl, chooseAddress, programEnvironment } from './up-environment';
import type { Watchdog } from './watchdog';

export interface UpOptions {
  /** The data folder. */
  directory: string;
  /** Empty it first. */
  fresh: boolean;
  log: (line: string) => void;
  watchdog: Watchdog;
}

// A little more than the program itself takes at most for its stop.
const programStopsWithinMs = 30_000;

/** One `npm run up`: the servers, the program, and their stop. */
export class UpRun {
  private stack: LocalStack | undefined;
  private program: OwnedProcess | undefined;

  constructor(private readonly options: UpOptions) {}

  /** Whether the program takes requests. */
  get isServing(): boolean {
    return this.program !== undefined;
  }

  /**
   * Starts everything and stays until a part of it ends by itself.
   * @throws ServerDied for that part, or what kept it from starting
   */
  async serve(): Promise<never> {
    const { directory, watchdog, log } = this.options;
    openDataDirectory(directory);
    await DataLock.acquire({ directory, watchdog, log });
    if (this.options.fresh) await this.empty();
    const stack = await this.startStack();
    const program = await this.startProgram(stack);
    return firstToEnd(stack, program);
  }

  /**
   * In the order that lets the program drain. Bounded by 30 s and the servers' 15 s. What is
   * still about to start is left to the watchdog.
   */
  async stop(): Promise<void> {
    const { log } = this.options;
    if (!this.program || !this.stack) return;
    log('stopping the program');
    await this.program.stop(programStopsWithinMs);
    log('stopping RabbitMQ and PostgreSQL');
    await this.stack.stop();
    log('stopped');
  }

  private async empty(): Promise<void> {
    const { directory, log } = this.options;
    await LocalStack.stopLeftOvers(directory, log);
    for (const name of readdirSync(directory)) {
      if (name !== 'lock') await removeDirectory(join(directory, name));
    }
  }

  private async startStack(): Promise<LocalStack> {
    const { directory: dataDir, watchdog, log } = this.options;
    const { DATABASE_URL, RABBITMQ_URL } = process.env;
    const env = { DATABASE_URL, RABBITMQ_URL };
    this.stack = await LocalStack.start({ dataDir, watchdog, log, env });
    return this.stack;
  }

  private async startProgram(stack: LocalStack): Promise<OwnedProcess> {
    const { watchdog, log } = this.options;
    const address = await chooseAddress(log);
    log('starting the program');
    const env = programEnvironment(address, stack);
    this.program = await startProgram({ env, baseUrl: baseUrl(address), watchdog });
    log(banner(baseUrl(address)));
    return this.program;
  }
}

async function firstToEnd(stack: LocalStack, program: OwnedProcess): Promise<never> {
  const { postgres, rabbitmq } = stack;
  const parts = [
    program.exited.then((exit) => died(programName, exit, program)),
    postgres?.exited.then((exit) => died('PostgreSQL', exit, postgres)),
    rabbitmq?.exited.then((exit) => died('RabbitMQ', exit, rabbitmq)),
  ];
  throw await Promise.race(parts.filter((part) => part !== undefined));
}

function died(name: string, exit: ExitStatus, part: { logTail(): string }): ServerDied {
  return new ServerDied(name, exit, part.logTail());
}
