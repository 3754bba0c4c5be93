import { once } from 'node:events';
import { AmqpConnection } from '@golevelup/nestjs-rabbitmq';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Environment } from '@app/config';
import { BrokerConnection } from './broker-connection';
import { connectionConfig, ConsumingConnection } from './connections';
import { atMost } from './deadline';

/**
 * RabbitMQ allows 2,047 channels on a connection and advises to stay well below; what a connection
 * has to say, acks above all, also goes through one socket, in turn.
 */
const CHANNELS_PER_CONNECTION = 900;
const CONNECT_WITHIN_MS = 5_000;

/** A place for a consumer's channel; to be left when the channel is closed. */
export interface Place {
  readonly connection: BrokerConnection;
  leave(): void;
}

interface Shared {
  readonly connection: BrokerConnection;
  taken: number;
}

/** The connections that consumers have their channels on: the consuming one, and more as needed. */
@Injectable()
export class ConsumerConnections implements OnApplicationShutdown {
  private readonly all: Shared[];
  private readonly listeners: (() => void)[] = [];
  private opening: Promise<void> | undefined;

  constructor(
    first: ConsumingConnection,
    private readonly environment: Environment,
  ) {
    this.all = [{ connection: first, taken: 0 }];
  }

  /** Calls `listener` at every connect of any of them. */
  onConnect(listener: () => void): void {
    this.listeners.push(listener);
    for (const { connection } of this.all) connection.onConnect(listener);
  }

  /** A place on a connection that has room; opens another one when none has. */
  async place(): Promise<Place> {
    for (;;) {
      const shared = this.all.find(({ taken }) => taken < CHANNELS_PER_CONNECTION);
      if (shared) return placeOn(shared);
      this.opening ??= this.open().finally(() => (this.opening = undefined));
      await this.opening;
    }
  }

  async onApplicationShutdown(): Promise<void> {
    const [, ...others] = this.all;
    await Promise.all(others.map(({ connection }) => connection.amqp.managedConnection.close()));
  }

  /** One that does not come up in time is there all the same, and keeps trying. */
  private async open(): Promise<void> {
    const name = `consuming ${this.all.length + 1}`;
    const amqp = new AmqpConnection(connectionConfig(name, this.environment));
    await amqp.init();
    const connection = new BrokerConnection(amqp);
    for (const listener of this.listeners) connection.onConnect(listener);
    if (!connection.isUp()) {
      const up = once(amqp.managedConnection, 'connect');
      await atMost(CONNECT_WITHIN_MS, up);
    }
    this.all.push({ connection, taken: 0 });
  }
}

function placeOn(shared: Shared): Place {
  shared.taken++;
  return { connection: shared.connection, leave: () => (shared.taken -= 1) };
}
