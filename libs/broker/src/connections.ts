import { Injectable, Module } from '@nestjs/common';
import { AmqpConnection, type RabbitMQConfig, RabbitMQModule } from '@golevelup/nestjs-rabbitmq';
import { Environment } from '@app/config';
import { BrokerConnection } from './broker-connection';
import { isOtherArguments } from './broker-errors';
import { QuietLogger } from './quiet-logger';
import { bindDeadLetterQueue, declareDeadLetterQueue, exchanges } from './topology';

/** The connection that publishes, and nothing else: an alarm of the broker's blocks all of it. */
@Injectable()
export class PublishingConnection extends BrokerConnection {}

/** The connection that declares, consumes and settles: it must go on when publishing is blocked. */
@Injectable()
export class ConsumingConnection extends BrokerConnection {
  constructor(
    amqp: AmqpConnection,
    private readonly environment: Environment,
  ) {
    super(amqp);
    amqp.managedChannel
      .addSetup(() => this.declareDeadLetters())
      .catch((error: unknown) => this.logger.warn(`Not declared: ${String(error)}`));
  }

  /** One that is there with other arguments, those of another `QUEUE_TYPE`, is used as it is. */
  async declareDeadLetters(): Promise<void> {
    try {
      await this.withChannel((channel) => declareDeadLetterQueue(channel, this.environment));
    } catch (error) {
      if (!isOtherArguments(error)) throw error;
      await this.withChannel((channel) => bindDeadLetterQueue(channel));
    }
  }
}

const HEARTBEAT_SECONDS = 5;
const HANDSHAKE_WITHIN_MS = 5_000;

/**
 * The manager waits the same time between all tries, so the jitter is in the choice of that time:
 * replicas that lost the broker together come back spread over a second.
 */
export const reconnectAfterSeconds = (): number => 0.5 + Math.random();

/** What a connection of this program is made with; `name` is what the broker shows. */
export function connectionConfig(name: string, environment: Environment): RabbitMQConfig {
  return {
    name,
    uri: environment.RABBITMQ_URL,
    // Come up without the broker and keep trying; readiness tells.
    connectionInitOptions: { wait: false, skipConnectionFailedLogging: true },
    connectionManagerOptions: {
      heartbeatIntervalInSeconds: HEARTBEAT_SECONDS,
      reconnectTimeInSeconds: reconnectAfterSeconds(),
      connectionOptions: {
        timeout: HANDSHAKE_WITHIN_MS,
        // An ack, or a lone message, does not wait for the broker's answer to what was sent before it.
        noDelay: true,
        clientProperties: { connection_name: `messaging ${name}` },
      },
    },
    exchanges: exchanges(),
    enableDirectReplyTo: false,
    registerHandlers: false,
    // Bodies are JSON of the publisher's own; whether they are valid is for the consumer to say.
    deserializer: (body: Buffer) => body,
    logger: new QuietLogger(`RabbitMQ ${name}`),
  };
}

const rabbitmq = (name: string): ReturnType<typeof RabbitMQModule.forRootAsync> =>
  RabbitMQModule.forRootAsync({
    inject: [Environment],
    useFactory: (environment: Environment) => connectionConfig(name, environment),
  });

@Module({
  imports: [rabbitmq('publishing')],
  providers: [PublishingConnection],
  exports: [PublishingConnection],
})
export class PublishingConnectionModule {}

@Module({
  imports: [rabbitmq('consuming')],
  providers: [ConsumingConnection],
  exports: [ConsumingConnection],
})
export class ConsumingConnectionModule {}
