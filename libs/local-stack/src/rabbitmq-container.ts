import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Broker } from './broker';
import { freePorts } from './free-port';
import type { Guarded } from './guarded';
import type { ExitStatus } from './exit-status';
import { handshakeSucceeds } from './rabbitmq-handshake';
import { type Statistics, statisticsArguments } from './rabbitmq-statistics';
import { ServerDied, ServerNotReady } from './server-errors';
import { startOrStop } from './start-or-stop';
import { waitUntil } from './wait-until';
import type { Watchdog } from './watchdog';

export interface RabbitmqContainerOptions {
  /** The node's data, mounted into the container. */
  dataDir: string;
  watchdog: Watchdog;
  /** Default: those of channels soon, those of quorum queues every 5 s. */
  statistics?: Statistics | undefined;
}

const image = 'rabbitmq:4-management';
// The image may have to be fetched first, which `docker run` waits for by itself.
const startWithinMs = 90_000;

/** A private RabbitMQ in a Docker container, where none is installed. */
export class RabbitmqContainer implements Broker {
  exited: Promise<ExitStatus> = new Promise(() => undefined);
  private isRunning = false;
  private lastLog = '';

  /** @throws ServerDied, ServerNotReady, or what `docker run` said */
  static async start(options: RabbitmqContainerOptions): Promise<RabbitmqContainer> {
    const [amqp, management] = await freePorts(3);
    const broker = new RabbitmqContainer(options, amqp, management);
    return startOrStop(broker, () => broker.launch());
  }

  private readonly containerName = `messaging-rabbitmq-${randomBytes(4).toString('hex')}`;
  private readonly guarded: Guarded = { kind: 'container', name: this.containerName };

  private constructor(
    private readonly options: RabbitmqContainerOptions,
    private readonly amqpPort: number,
    private readonly managementPort: number,
  ) {}

  get url(): string {
    return `amqp://guest:guest@127.0.0.1:${this.amqpPort}`;
  }

  get managementUrl(): string {
    return `http://127.0.0.1:${this.managementPort}`;
  }

  logTail(): string {
    return this.lastLog;
  }

  kill(signal: NodeJS.Signals): void {
    void docker('kill', '--signal', signal, this.containerName);
  }

  freeze(): void {
    void docker('pause', this.containerName);
  }

  resume(): void {
    void docker('unpause', this.containerName);
  }

  async restart(): Promise<void> {
    await this.remove();
    await this.launch();
  }

  async stop(): Promise<void> {
    await this.remove();
    this.options.watchdog.release(this.guarded);
  }

  private async launch(): Promise<void> {
    mkdirSync(this.options.dataDir, { recursive: true });
    this.options.watchdog.guard(this.guarded);
    await docker('run', ...this.runArgs());
    this.watch();
    const answersOrDied = async (): Promise<boolean> =>
      !this.isRunning || (await handshakeSucceeds(this.url, this.managementUrl));
    const inTime = await waitUntil(answersOrDied, { withinMs: startWithinMs });
    await this.readLog();
    if (!this.isRunning) throw new ServerDied('RabbitMQ', await this.exited, this.lastLog);
    if (!inTime) throw new ServerNotReady('RabbitMQ', startWithinMs, this.lastLog);
  }

  private runArgs(): string[] {
    // Under our own user, so that the data is ours to remove.
    const user = process.getuid ? [`--user=${process.getuid()}:${process.getgid?.() ?? 0}`] : [];
    return [
      '--detach',
      '--rm',
      `--name=${this.containerName}`,
      // The data is found again under the same host name only.
      '--hostname=messaging',
      ...user,
      `--publish=127.0.0.1:${this.amqpPort}:5672`,
      `--publish=127.0.0.1:${this.managementPort}:15672`,
      '--ulimit=nofile=65536:65536',
      `--volume=${this.options.dataDir}:/var/lib/rabbitmq`,
      `--env=RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=${statisticsArguments(this.options.statistics)}`,
      image,
    ];
  }

  /** `docker wait` ends with its container, and prints its exit code. */
  private watch(): void {
    this.isRunning = true;
    const waiting = spawn('docker', ['wait', this.containerName], { stdio: 'ignore' });
    waiting.unref();
    this.exited = new Promise((resolve) => {
      waiting.once('close', () => {
        this.isRunning = false;
        resolve({ code: null, signal: null });
      });
    });
  }

  private async readLog(): Promise<void> {
    this.lastLog = await docker('logs', '--tail=12', this.containerName).catch(String);
  }

  private async remove(): Promise<void> {
    await docker('stop', '--time=15', this.containerName).catch(() => undefined);
    await docker('rm', '--force', this.containerName).catch(() => undefined);
  }
}

async function docker(...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)('docker', args);
  return stdout + stderr;
}
