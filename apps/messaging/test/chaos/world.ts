import { LocalStack, type Broker, PostgresServer } from '@app/local-stack';
import { Program } from '../support/program';
import { TcpProxy } from '../support/tcp-proxy';

/** A replica of the program, its own lines to the servers, and whatever process it is at present. */
export class Replica {
  program!: Program;

  private constructor(
    readonly name: string,
    readonly toDatabase: TcpProxy,
    readonly toBroker: TcpProxy,
  ) {}

  static async start(name: string, databaseUrl: string, rabbitmqUrl: string): Promise<Replica> {
    const [toDatabase, toBroker] = await Promise.all([
      TcpProxy.start(databaseUrl),
      TcpProxy.start(rabbitmqUrl),
    ]);
    const replica = new Replica(name, toDatabase, toBroker);
    await replica.begin();
    return replica;
  }

  /** A new process, after the last one ended. */
  async begin(): Promise<void> {
    this.program = await Program.start({
      databaseUrl: this.toDatabase.url,
      rabbitmqUrl: this.toBroker.url,
      env: { LOG_LEVEL: 'warn', SHUTDOWN_TIMEOUT_MS: '8000' },
    });
  }

  async stop(): Promise<void> {
    await Promise.all([this.toDatabase.stop(), this.toBroker.stop()]);
  }
}

/** Servers that may be stopped, killed and frozen, and two replicas of the program before them. */
export class World {
  private constructor(
    private readonly stack: LocalStack,
    readonly postgres: PostgresServer,
    readonly rabbitmq: Broker,
    readonly replicas: readonly [Replica, Replica],
  ) {}

  static async start(): Promise<World> {
    const stack = await LocalStack.start({});
    const { postgres, rabbitmq, databaseUrl, rabbitmqUrl } = stack;
    if (!postgres || !rabbitmq) throw new Error('The servers of a chaos run are its own');
    const first = await Replica.start('replica 1', databaseUrl, rabbitmqUrl);
    const second = await Replica.start('replica 2', databaseUrl, rabbitmqUrl);
    return new World(stack, postgres, rabbitmq, [first, second]);
  }

  async stop(): Promise<void> {
    await Program.killAll();
    await Promise.all(this.replicas.map((replica) => replica.stop()));
    await this.stack.stop();
  }
}
