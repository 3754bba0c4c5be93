import { join } from 'node:path';
import type { Broker } from './broker';
import { Epmd } from './epmd';
import { stopLeftOver } from './left-over';
import type { ExitStatus } from './exit-status';
import { OwnedProcess } from './owned-process';
import { RabbitmqNodeFiles, type RabbitmqNodeOptions } from './rabbitmq-node-files';
import { nodeOptions, type RabbitmqServerOptions } from './rabbitmq-options';
import { handshakeSucceeds } from './rabbitmq-handshake';
import { installedRabbitmq, RabbitmqNotFound } from './rabbitmq-source';
import { startOrStop } from './start-or-stop';
import { untilReady } from './until-ready';
import { Watchdog } from './watchdog';

const startWithinMs = 90_000;
const stopWithinMs = 15_000;
// At the usual limit of 1,024 files a broker hangs from about 1,000 quorum queues on.
const raiseFileLimit = 'ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -H -n)"; exec "$0"';

/** One private RabbitMQ node of the installed package: on loopback, on ports of its own. */
export class RabbitmqServer implements Broker {
  private readonly files: RabbitmqNodeFiles;
  private readonly watchdog: Watchdog;
  private epmd: Epmd | undefined;
  private node: OwnedProcess | undefined;

  /**
   * Ready for connections when this resolves, which takes about 10 s.
   * @throws RabbitmqNotFound, ServerDied, ServerNotReady
   */
  static async start(options: RabbitmqServerOptions): Promise<RabbitmqServer> {
    await RabbitmqServer.stopLeftOver(options.dataDir, options.log);
    const rabbitmq = new RabbitmqServer(options, await nodeOptions(options));
    return startOrStop(rabbitmq, () => rabbitmq.launch());
  }

  /** Stops a node, and its epmd, that an earlier, killed run left on this folder. */
  static async stopLeftOver(dataDir: string, log: (line: string) => void): Promise<void> {
    await stopLeftOver('RabbitMQ', join(dataDir, 'node.pid'), log);
    await stopLeftOver('epmd', join(dataDir, 'epmd.pid'), log);
  }

  private constructor(
    private readonly options: RabbitmqServerOptions,
    private readonly nodeOptions: RabbitmqNodeOptions,
  ) {
    this.files = new RabbitmqNodeFiles(options.dataDir);
    this.watchdog = options.watchdog ?? Watchdog.start();
  }

  get url(): string {
    return `amqp://guest:guest@127.0.0.1:${this.nodeOptions.ports.amqp}`;
  }

  get managementUrl(): string {
    return `http://127.0.0.1:${this.nodeOptions.ports.management}`;
  }

  /** Of the Erlang machine itself. */
  get pid(): number {
    return this.running.pid;
  }

  get exited(): Promise<ExitStatus> {
    return this.running.exited;
  }

  logTail(): string {
    return this.running.logTail();
  }

  kill(signal: NodeJS.Signals): void {
    this.running.kill(signal);
  }

  freeze(): void {
    this.kill('SIGSTOP');
  }

  resume(): void {
    this.kill('SIGCONT');
  }

  async restart(): Promise<void> {
    await this.node?.stop(stopWithinMs);
    await this.launch();
  }

  /** Bounded by 15 s; then it is killed. */
  async stop(): Promise<void> {
    await this.node?.stop(stopWithinMs);
    await this.epmd?.stop();
    if (!this.options.watchdog) await this.watchdog.close();
  }

  private get running(): OwnedProcess {
    if (!this.node) throw new Error('RabbitMQ was not started');
    return this.node;
  }

  private async launch(): Promise<void> {
    this.files.write(this.nodeOptions);
    if (!this.options.epmdPort) this.epmd ??= await this.startEpmd();
    this.node = await this.spawn();
    const answers = (): Promise<boolean> => handshakeSucceeds(this.url, this.managementUrl);
    await untilReady('RabbitMQ', this.node, answers, { withinMs: startWithinMs });
  }

  private startEpmd(): Promise<Epmd> {
    const { watchdog, nodeOptions } = this;
    const { dataDir: directory, log } = this.options;
    return Epmd.start({ port: nodeOptions.epmdPort, directory, watchdog, log });
  }

  private spawn(): Promise<OwnedProcess> {
    const program = installedRabbitmq();
    if (!program) throw new RabbitmqNotFound();
    return OwnedProcess.spawn({
      name: 'RabbitMQ',
      command: '/bin/sh',
      args: ['-c', raiseFileLimit, program],
      env: this.files.environment(this.nodeOptions),
      watchdog: this.watchdog,
      stopSignal: 'SIGTERM',
      output: { file: this.files.output },
      logFile: this.files.log,
      pidFile: this.files.pidFile,
    });
  }
}
