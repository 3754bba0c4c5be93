import { freePort } from './free-port';
import type { ExitStatus } from './exit-status';
import { OwnedProcess } from './owned-process';
import { postgresBinaries } from './postgres-binaries';
import { hasDatabase } from './postgres-database';
import { postgresEnvironment, PostgresFiles } from './postgres-files';
import { stopLeftOverPostgres } from './postgres-left-over';
import { startOrStop } from './start-or-stop';
import { Unprivileged, type Launch } from './unprivileged';
import { untilReady } from './until-ready';
import { Watchdog } from './watchdog';

export interface PostgresServerOptions {
  /** A folder for this server alone: data, password and log. Made when missing. */
  dataDir: string;
  log: (line: string) => void;
  /** Settings of postgresql.conf over the defaults. */
  settings?: Readonly<Record<string, string>>;
  /** Default: one of its own. */
  watchdog?: Watchdog;
}

const stopWithinMs = 10_000;

/**
 * One embedded PostgreSQL: on loopback, on a free port, with the user and the database
 * `messaging`. Data is kept: `fsync` stays on.
 */
export class PostgresServer {
  private server: OwnedProcess | undefined;

  /**
   * Ready for connections when this resolves.
   * @throws NoPostgresForPlatform, CannotDropRoot, ServerDied, ServerNotReady
   */
  static async start(options: PostgresServerOptions): Promise<PostgresServer> {
    const files = new PostgresFiles(options.dataDir);
    await stopLeftOverPostgres(options.dataDir, options.log);
    const watchdog = options.watchdog ?? Watchdog.start();
    const port = await freePort();
    const postgres = new PostgresServer(options, files, watchdog, port);
    return startOrStop(postgres, () => postgres.launch());
  }

  private constructor(
    private readonly options: PostgresServerOptions,
    private readonly files: PostgresFiles,
    private readonly watchdog: Watchdog,
    readonly port: number,
  ) {}

  /** For `DATABASE_URL`; stays the same over a `restart`. */
  get url(): string {
    return this.urlOf('messaging');
  }

  get pid(): number {
    return this.running.pid;
  }

  /** Resolves when the server that runs at present ends, for whatever reason. */
  get exited(): Promise<ExitStatus> {
    return this.running.exited;
  }

  /** The last lines of its log. */
  logTail(): string {
    return this.running.logTail();
  }

  /** To the server's main process. */
  kill(signal: NodeJS.Signals): void {
    this.running.kill(signal);
  }

  /** Stops it, unless it was killed already, and starts it on the same port and data. */
  async restart(): Promise<void> {
    await this.server?.stop(stopWithinMs);
    await stopLeftOverPostgres(this.options.dataDir, this.options.log);
    await this.launch();
  }

  /** A fast shutdown, bounded by 10 s; then it is killed. Idempotent. */
  async stop(): Promise<void> {
    await this.server?.stop(stopWithinMs);
    if (!this.options.watchdog) await this.watchdog.close();
  }

  private get running(): OwnedProcess {
    if (!this.server) throw new Error('PostgreSQL was not started');
    return this.server;
  }

  private async launch(): Promise<void> {
    const { initdb, postgres } = postgresBinaries();
    const user = Unprivileged.for(this.files.directory, postgres);
    await this.files.initialize(initdb, user, this.watchdog);
    this.server = await this.spawn(user.launch(postgres, this.serverArgs()));
    const answers = (): Promise<boolean> => hasDatabase(this.urlOf('postgres'));
    await untilReady('PostgreSQL', this.server, answers, { withinMs: 60_000, everyMs: 50 });
  }

  private spawn(launch: Launch): Promise<OwnedProcess> {
    return OwnedProcess.spawn({
      ...launch,
      name: 'PostgreSQL',
      env: postgresEnvironment(),
      watchdog: this.watchdog,
      // A fast shutdown; SIGTERM would wait for clients to leave.
      stopSignal: 'SIGINT',
      output: { file: this.files.log },
    });
  }

  private serverArgs(): string[] {
    const settings = {
      listen_addresses: '127.0.0.1',
      port: String(this.port),
      unix_socket_directories: '',
      max_connections: '200',
      ...this.options.settings,
    };
    const assignments = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    return ['-D', this.files.data, ...assignments.flatMap((assignment) => ['-c', assignment])];
  }

  private urlOf(database: string): string {
    return `postgres://messaging:${this.files.password}@127.0.0.1:${this.port}/${database}`;
  }
}
