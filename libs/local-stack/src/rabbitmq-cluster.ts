import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Epmd } from './epmd';
import { freePort } from './free-port';
import { RabbitmqServer } from './rabbitmq-server';
import { startOrStop } from './start-or-stop';
import { makeTemporaryDirectory, removeDirectory } from './temporary-directory';
import { Watchdog } from './watchdog';

export interface RabbitmqClusterOptions {
  log: (line: string) => void;
  /** Default 3: with as many a quorum queue survives the loss of any one. */
  nodes?: number;
}

/** Several nodes on one machine that form a cluster; for tests, so its data goes with it. */
export class RabbitmqCluster {
  readonly nodes: RabbitmqServer[] = [];
  private readonly watchdog = Watchdog.start();
  private readonly directory = makeTemporaryDirectory(this.watchdog.identity);
  private epmd: Epmd | undefined;

  /** Ready for connections on all nodes when this resolves, which takes about half a minute. */
  static async start(options: RabbitmqClusterOptions): Promise<RabbitmqCluster> {
    const cluster = new RabbitmqCluster(options);
    return startOrStop(cluster, () => cluster.launch());
  }

  private constructor(private readonly options: RabbitmqClusterOptions) {
    this.watchdog.guard({ kind: 'path', path: this.directory });
  }

  /** For `RABBITMQ_URL`: all nodes, comma-separated. */
  get url(): string {
    return this.nodes.map((node) => node.url).join(',');
  }

  async stop(): Promise<void> {
    // Data that goes away needs no order.
    for (const node of this.nodes) node.kill('SIGKILL');
    await Promise.all(this.nodes.map((node) => node.stop()));
    await this.epmd?.stop();
    await removeDirectory(this.directory);
    await this.watchdog.close();
  }

  /** One after the other: the first makes the cluster that the others join. */
  private async launch(): Promise<void> {
    const { log, nodes: count = 3 } = this.options;
    const { watchdog } = this;
    const epmdPort = await freePort();
    this.epmd = await Epmd.start({ port: epmdPort, directory: this.directory, watchdog, log });
    const names = Array.from({ length: count }, (_, index) => `messaging${index + 1}@localhost`);
    for (const nodename of names) {
      const dataDir = resolve(join(this.directory, nodename.split('@')[0] ?? ''));
      mkdirSync(dataDir, { recursive: true });
      const settings = discovery(names);
      const cookie = 'a-cluster-of-tests-on-loopback';
      const options = { dataDir, log, nodename, epmdPort, cookie, settings, watchdog };
      this.nodes.push(await RabbitmqServer.start(options));
    }
  }
}

/** https://www.rabbitmq.com/docs/cluster-formation#peer-discovery-classic-config */
function discovery(names: readonly string[]): Record<string, string> {
  const entries = names.map((name, index) => [
    `cluster_formation.classic_config.nodes.${index + 1}`,
    name,
  ]);
  return {
    'cluster_formation.peer_discovery_backend': 'classic_config',
    ...(Object.fromEntries(entries) as Record<string, string>),
  };
}
