import { freePort, freePorts } from './free-port';
import type { RabbitmqNodeOptions, RabbitmqPorts } from './rabbitmq-node-files';
import type { Statistics } from './rabbitmq-statistics';
import type { Watchdog } from './watchdog';

export interface RabbitmqServerOptions {
  /** A folder for this node alone: data, configuration and logs. Made when missing. */
  dataDir: string;
  log: (line: string) => void;
  /** Default `messaging@localhost`. The data is found again under the same name only. */
  nodename?: string;
  /** Default: free ones. */
  ports?: RabbitmqPorts;
  /** Of an epmd that is there, as nodes of one cluster share it; default: one of its own. */
  epmdPort?: number;
  /** Nodes of one cluster need the same. */
  cookie?: string;
  /** Default: those of channels soon, those of quorum queues every 5 s. */
  statistics?: Statistics | undefined;
  /** Settings of rabbitmq.conf over the defaults. */
  settings?: Readonly<Record<string, string>>;
  /** Default: one of its own. */
  watchdog?: Watchdog;
}

/** The options with what they leave open chosen. */
export async function nodeOptions(options: RabbitmqServerOptions): Promise<RabbitmqNodeOptions> {
  const [amqp, management, distribution] = await freePorts(3);
  return {
    nodename: options.nodename ?? 'messaging@localhost',
    ports: options.ports ?? { amqp, management, distribution },
    epmdPort: options.epmdPort ?? (await freePort()),
    settings: options.settings ?? {},
    cookie: options.cookie,
    statistics: options.statistics,
  };
}
