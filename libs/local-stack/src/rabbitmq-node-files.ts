import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Statistics, statisticsArguments } from './rabbitmq-statistics';

export interface RabbitmqPorts {
  readonly amqp: number;
  readonly management: number;
  /** Where other nodes and the command line tools reach it. */
  readonly distribution: number;
}

export interface RabbitmqNodeOptions {
  nodename: string;
  ports: RabbitmqPorts;
  epmdPort: number;
  /** Settings of rabbitmq.conf over the defaults. */
  settings: Readonly<Record<string, string>>;
  /** Nodes of one cluster share it; default: Erlang makes one up. */
  cookie: string | undefined;
  /** Default: those of channels soon, those of quorum queues every 5 s. */
  statistics: Statistics | undefined;
}

/** What lies in the folder of one RabbitMQ node, and the environment that points it there. */
export class RabbitmqNodeFiles {
  readonly pidFile: string;
  readonly log: string;
  readonly output: string;

  readonly directory: string;

  constructor(directory: string) {
    // The node runs from another folder, where a relative path would mean another place.
    this.directory = resolve(directory);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.pidFile = this.at('node.pid');
    this.log = this.at('node.log');
    this.output = this.at('output.log');
  }

  write(options: RabbitmqNodeOptions): void {
    writeFileSync(this.at('rabbitmq.conf'), configOf(options));
    writeFileSync(this.at('enabled_plugins'), '[rabbitmq_management].\n');
    // Empty ones of our own, so that those in /etc/rabbitmq have no say.
    writeFileSync(this.at('rabbitmq-env.conf'), '');
    writeFileSync(this.at('advanced.config'), '[].\n');
    const cookieFile = this.at('.erlang.cookie');
    if (options.cookie) writeFileSync(cookieFile, options.cookie, { mode: 0o600 });
  }

  environment({ nodename, ports, epmdPort, statistics }: RabbitmqNodeOptions): NodeJS.ProcessEnv {
    return {
      ...environmentOfNoOtherNode(),
      HOME: this.directory,
      ERL_EPMD_PORT: String(epmdPort),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_NODENAME: nodename,
      RABBITMQ_DIST_PORT: String(ports.distribution),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `-kernel inet_dist_use_interface {127,0,0,1} ${statisticsArguments(statistics)}`,
      // The script then becomes the node instead of waiting for it, so that the pid we know is
      // the node's, and signals reach it.
      RUNNING_UNDER_SYSTEMD: 'true',
      ...this.places(),
    };
  }

  private places(): NodeJS.ProcessEnv {
    return {
      RABBITMQ_MNESIA_BASE: this.at('mnesia'),
      RABBITMQ_LOG_BASE: this.directory,
      RABBITMQ_LOGS: this.log,
      RABBITMQ_PID_FILE: this.at('rabbitmq.pid'),
      RABBITMQ_CONFIG_FILE: this.at('rabbitmq.conf'),
      RABBITMQ_CONF_ENV_FILE: this.at('rabbitmq-env.conf'),
      RABBITMQ_ADVANCED_CONFIG_FILE: this.at('advanced.config'),
      RABBITMQ_ENABLED_PLUGINS_FILE: this.at('enabled_plugins'),
      RABBITMQ_SCHEMA_DIR: this.at('schema'),
      RABBITMQ_GENERATED_CONFIG_DIR: this.at('config'),
    };
  }

  private at(name: string): string {
    return join(this.directory, name);
  }
}

function configOf({ ports, settings }: RabbitmqNodeOptions): string {
  const all = {
    'listeners.tcp.loopback': `127.0.0.1:${ports.amqp}`,
    'management.tcp.ip': '127.0.0.1',
    'management.tcp.port': String(ports.management),
    'log.console': 'false',
    'log.file.level': 'info',
    'vm_memory_high_watermark.relative': '0.4',
    // The default of 50 MB on 3.x is as good as none, that of 4.x blocks a nearly full laptop.
    'disk_free_limit.absolute': '200MB',
    ...settings,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('');
}

function environmentOfNoOtherNode(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(RABBITMQ|ERL)_/.test(name));
  return Object.fromEntries(own);
}
