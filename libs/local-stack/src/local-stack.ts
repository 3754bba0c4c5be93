import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Broker } from './broker';
import type { Guarded } from './guarded';
import { stopLeftOverPostgres } from './postgres-left-over';
import { PostgresServer } from './postgres-server';
import { startBroker, stopLeftOverBroker } from './start-broker';
import { startOrStop } from './start-or-stop';
import {
  abandonedDirectories,
  makeTemporaryDirectory,
  removeDirectory,
} from './temporary-directory';
import type { Statistics } from './rabbitmq-statistics';
import { Watchdog } from './watchdog';

export type ServerName = 'postgres' | 'rabbitmq';

export interface LocalStackOptions {
  /** Where the servers keep their data; default: a temporary folder. */
  dataDir?: string;
  /** Remove `dataDir` at the stop; default: only a folder that was made for it. */
  temporary?: boolean;
  /** Takes a line of progress at a time; default: nobody is told. */
  log?: (line: string) => void;
  /** The servers that are needed; default: both. */
  only?: readonly ServerName[];
  /** Servers that there are already, and that are used as they are. */
  env?: { DATABASE_URL?: string | undefined; RABBITMQ_URL?: string | undefined };
  /** Of RabbitMQ; default: those of channels soon, those of quorum queues every 5 s. */
  statistics?: Statistics;
  /** Default: one of its own. */
  watchdog?: Watchdog;
}

/** PostgreSQL and RabbitMQ for `npm run up`, tests and benchmarks. */
export class LocalStack {
  postgres: PostgresServer | undefined;
  rabbitmq: Broker | undefined;
  private readonly log: (line: string) => void;
  private readonly watchdog: Watchdog;
  readonly dataDir: string;
  private readonly guardedData: Guarded | undefined;
  private stopping: Promise<void> | undefined;

  /**
   * Starts what `env` does not name, side by side; when one fails the other is stopped.
   * @throws the error of the server that failed
   */
  static async start(options: LocalStackOptions): Promise<LocalStack> {
    const stack = new LocalStack(options);
    return startOrStop(stack, () => stack.launch());
  }

  /** Stops the servers that a killed run left on this folder. */
  static async stopLeftOvers(dataDir: string, log: (line: string) => void): Promise<void> {
    await stopLeftOverPostgres(join(dataDir, 'postgres'), log);
    await stopLeftOverBroker(join(dataDir, 'rabbitmq'), log);
  }

  private constructor(private readonly options: LocalStackOptions) {
    this.log = options.log ?? ((): void => undefined);
    this.watchdog = options.watchdog ?? Watchdog.start();
    this.dataDir = resolve(options.dataDir ?? makeTemporaryDirectory(this.watchdog.identity));
    if (options.temporary ?? !options.dataDir) {
      this.guardedData = { kind: 'path', path: this.dataDir };
      this.watchdog.guard(this.guardedData);
    }
  }

  /** '' when PostgreSQL was not asked for. */
  get databaseUrl(): string {
    return this.options.env?.DATABASE_URL || (this.postgres?.url ?? '');
  }

  /** '' when RabbitMQ was not asked for. */
  get rabbitmqUrl(): string {
    return this.options.env?.RABBITMQ_URL || (this.rabbitmq?.url ?? '');
  }

  /** Without user and password, which are `guest`; undefined for a broker that is not ours. */
  get rabbitmqManagementUrl(): string | undefined {
    return this.rabbitmq?.managementUrl;
  }

  /** Stops what it started. Idempotent; bounded by about 20 s. */
  stop(): Promise<void> {
    this.stopping ??= this.stopAll();
    return this.stopping;
  }

  private async launch(): Promise<void> {
    await this.tidyAfterKilledRuns();
    mkdirSync(this.dataDir, { recursive: true });
    const starts = await Promise.allSettled([this.startPostgres(), this.startRabbitmq()]);
    for (const start of starts) if (start.status === 'rejected') throw start.reason;
  }

  private async startPostgres(): Promise<void> {
    if (!this.needs('postgres') || this.options.env?.DATABASE_URL) return;
    const { watchdog } = this;
    const started = this.announce('PostgreSQL');
    const dataDir = join(this.dataDir, 'postgres');
    this.postgres = await PostgresServer.start({ dataDir, log: this.log, watchdog });
    started();
  }

  private async startRabbitmq(): Promise<void> {
    if (!this.needs('rabbitmq') || this.options.env?.RABBITMQ_URL) return;
    const { watchdog } = this;
    const { statistics } = this.options;
    const started = this.announce('RabbitMQ');
    const dataDir = join(this.dataDir, 'rabbitmq');
    this.rabbitmq = await startBroker({ dataDir, log: this.log, watchdog, statistics });
    started();
  }

  private needs(server: ServerName): boolean {
    return this.options.only?.includes(server) ?? true;
  }

  private announce(server: string): () => void {
    const begin = performance.now();
    this.log(`starting ${server}`);
    return () =>
      this.log(`${server} is up (${((performance.now() - begin) / 1_000).toFixed(1)} s)`);
  }

  /** Killed together with their watchdog, that is: otherwise it has tidied up. */
  private async tidyAfterKilledRuns(): Promise<void> {
    for (const directory of abandonedDirectories()) {
      await LocalStack.stopLeftOvers(directory, this.log);
      await removeDirectory(directory);
    }
  }

  private async stopAll(): Promise<void> {
    // RabbitMQ takes seconds to put its data in order; data that goes away needs no order.
    if (this.guardedData) this.killServers();
    await Promise.all([this.postgres?.stop(), this.rabbitmq?.stop()]);
    if (this.guardedData) {
      await removeDirectory(this.dataDir);
      this.watchdog.release(this.guardedData);
    }
    if (!this.options.watchdog) await this.watchdog.close();
  }

  private killServers(): void {
    this.postgres?.kill('SIGKILL');
    this.rabbitmq?.kill('SIGKILL');
  }
}
