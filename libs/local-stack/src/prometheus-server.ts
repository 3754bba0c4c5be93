import { join } from 'node:path';
import { debianProgram } from './debian-programs';
import { findProgram } from './find-program';
import { freePort } from './free-port';
import { OwnedProcess } from './owned-process';
import { untilReady } from './until-ready';
import { Watchdog } from './watchdog';

const startWithinMs = 30_000;
const stopWithinMs = 5_000;

export interface PrometheusServerOptions {
  /** Its `prometheus.yml`; files that it names are looked for beside it. */
  configFile: string;
  /** An empty folder for its data and its log. */
  dataDir: string;
  log: (line: string) => void;
}

/** A private Prometheus, on loopback and a free port: an installed one, or Debian's. */
export class PrometheusServer {
  private process: OwnedProcess | undefined;
  private readonly watchdog = Watchdog.start();

  /** @throws ProgramNotFound, ServerDied, ServerNotReady */
  static async start(options: PrometheusServerOptions): Promise<PrometheusServer> {
    const server = new PrometheusServer(options, await freePort());
    try {
      await server.launch();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  private constructor(
    private readonly options: PrometheusServerOptions,
    private readonly port: number,
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Idempotent, and bounded by 5 s; then it is killed. */
  async stop(): Promise<void> {
    await this.process?.stop(stopWithinMs);
    await this.watchdog.close();
  }

  private async launch(): Promise<void> {
    const { configFile, dataDir, log } = this.options;
    this.process = await OwnedProcess.spawn({
      name: 'Prometheus',
      command:
        findProgram('prometheus') ?? (await debianProgram('prometheus', ['prometheus'], log)),
      args: [
        `--config.file=${configFile}`,
        `--storage.tsdb.path=${join(dataDir, 'data')}`,
        `--web.listen-address=127.0.0.1:${this.port}`,
      ],
      env: process.env,
      watchdog: this.watchdog,
      stopSignal: 'SIGTERM',
      output: { file: join(dataDir, 'prometheus.log') },
    });
    const answers = (): Promise<boolean> => isReady(`${this.url}/-/ready`);
    await untilReady('Prometheus', this.process, answers, { withinMs: startWithinMs });
  }
}

/**
 * Prometheus' own checker of rules.
 * @throws ProgramNotFound
 */
export async function findPromtool(log: (line: string) => void): Promise<string> {
  return findProgram('promtool') ?? (await debianProgram('promtool', ['promtool'], log));
}

const isReady = (url: string): Promise<boolean> =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
