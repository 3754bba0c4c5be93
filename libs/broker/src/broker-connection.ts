import { type EventEmitter, once } from 'node:events';
import type { Writable } from 'node:stream';
import { Injectable, Logger } from '@nestjs/common';
import { AmqpConnection } from '@golevelup/nestjs-rabbitmq';
import type { Channel, ConfirmChannel } from 'amqplib';
import { BrokerUnavailable } from './broker-errors';
import { coalesceWrites } from './coalesced-writes';
import { within } from './deadline';

export type ConnectionState =
  { kind: 'connected' } | { kind: 'blocked'; reason: string } | { kind: 'disconnected' };

/** A refusal (an AMQP reply code) is as good as no answer to whoever needed it done. */
const asUnavailable = (error: unknown): unknown =>
  error instanceof Error && !(error instanceof BrokerUnavailable)
    ? new BrokerUnavailable(error.message)
    : error;

/** How long a caller waits for a connection that is not there: longer than a reconnect takes. */
const CONNECTED_WITHIN_MS = 1_800;

/** How long a question to the broker may take. Declaring a quorum queue takes some 8 ms. */
const ANSWER_WITHIN_MS = 5_000;

/** The library would not tell why. What failed at each address of a host is told by its code alone. */
const failureOf = (error: NodeJS.ErrnoException): string =>
  `The broker is not connected, trying again: ${error.message || (error.code ?? error.name)}`;

/** The library's types have no name for it. */
const socketOf = (model: unknown): Writable =>
  (model as { connection: { stream: Writable } }).connection.stream;

/**
 * A broker may close a connection in the very packet in which it opened it (a node that is taken out,
 * say): the library has told of that before anybody could listen, and the manager would keep it for good.
 */
function closeIfClosed(model: unknown): void {
  const { connection } = model as { connection: { expectSocketClose: boolean } };
  const closed = new Error('it was closed while it was opened');
  if (connection.expectSocketClose) (model as EventEmitter).emit('close', closed);
}

function closeUnused(channel: Channel): void {
  channel.on('error', () => undefined);
  channel.close().catch(() => undefined);
}

/** One of the program's connections to the broker, which comes back by itself when it is lost. */
@Injectable()
export class BrokerConnection {
  protected readonly logger = new Logger(this.constructor.name);
  private blockedBy: string | undefined;

  constructor(readonly amqp: AmqpConnection) {
    const { managedConnection, managedChannel } = amqp;
    managedConnection.on('connect', ({ connection }) => {
      coalesceWrites(socketOf(connection));
      queueMicrotask(() => closeIfClosed(connection));
    });
    managedConnection.on('blocked', ({ reason }) => (this.blockedBy = reason));
    managedConnection.on('unblocked', () => (this.blockedBy = undefined));
    managedConnection.on('disconnect', () => (this.blockedBy = undefined));
    managedConnection.on('connectFailed', ({ err }) => this.logger.warn(failureOf(err)));
    managedChannel
      .addSetup((channel: ConfirmChannel) => this.watch(channel))
      .catch((error: unknown) => this.logger.warn(`The channel is not set up: ${String(error)}`));
  }

  get state(): ConnectionState {
    if (!this.isUp()) return { kind: 'disconnected' };
    if (this.blockedBy !== undefined) return { kind: 'blocked', reason: this.blockedBy };
    return { kind: 'connected' };
  }

  isUp(): boolean {
    return this.amqp.managedConnection.isConnected();
  }

  /** Calls `listener` at every connect, the first included. */
  onConnect(listener: () => void): void {
    this.amqp.managedConnection.on('connect', listener);
  }

  /** Ends the connection; the manager sets up another one. */
  reconnect(): void {
    const { connection } = this.amqp.managedConnection;
    connection?.close().catch(() => undefined);
  }

  /**
   * A channel of the caller's own, who listens for its errors. It ends with the connection.
   *
   * @throws BrokerUnavailable when there is no connection, no answer within 5 s, or a refusal
   */
  async openChannel(): Promise<Channel> {
    const { connection: model } = this.amqp.managedConnection;
    if (!this.isUp() || !model) throw new BrokerUnavailable('not connected');
    const opening = model.createChannel();
    try {
      return await this.inTime(opening);
    } catch (error) {
      // It may open yet, for nobody.
      opening.then(closeUnused, () => undefined);
      throw asUnavailable(error);
    }
  }

  /**
   * Does `work` on a channel of its own, so that what the broker refuses (it closes the channel)
   * harms nothing else.
   *
   * @throws BrokerUnavailable when there is no connection, no answer within 5 s, or a refusal
   */
  async withChannel<Result>(work: (channel: Channel) => Promise<Result>): Promise<Result> {
    const channel = await this.openChannel();
    const opened = { closed: false };
    // An 'error' event without a listener would end the process; the caller's promise has it too.
    channel.on('error', () => undefined);
    channel.on('close', () => (opened.closed = true));
    try {
      return await this.inTime(work(channel));
    } catch (error) {
      throw asUnavailable(error);
    } finally {
      if (!opened.closed) channel.close().catch(() => undefined);
    }
  }

  /**
   * Waits for a connection that was lost a moment ago: it mostly comes back at once.
   *
   * @throws BrokerUnavailable when it does not
   */
  async reconnected(): Promise<void> {
    if (this.isUp()) return;
    const { managedConnection } = this.amqp;
    const late = AbortSignal.timeout(CONNECTED_WITHIN_MS);
    await once(managedConnection, 'connect', { signal: late }).catch(() => {
      throw new BrokerUnavailable('not connected');
    });
  }

  private inTime<Result>(work: Promise<Result>): Promise<Result> {
    return within(ANSWER_WITHIN_MS, work, () => new BrokerUnavailable('it does not answer'));
  }

  /**
   * A channel that the broker closes is not opened again by the connection manager, and an exchange
   * deleted by hand closes the one that publishes: a new connection sets all of it up again.
   */
  private watch(channel: ConfirmChannel): void {
    channel.on('error', (error: Error) => {
      this.logger.warn(`The broker closed a channel: ${error.message}; connecting anew`);
      this.reconnect();
    });
  }
}
