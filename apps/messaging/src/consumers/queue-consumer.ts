import { setTimeout as delay } from 'node:timers/promises';
import type { MessageHandlerOptions, Nack } from '@golevelup/nestjs-rabbitmq';
import { type BrokerConnection, BrokerUnavailable, within } from '@app/broker';
import type { ChannelWrapper } from 'amqp-connection-manager';
import type { Channel, ConsumeMessage } from 'amqplib';
import { uuidv7 } from 'uuidv7';
import { type Outcome, settle } from './settlement';

const START_WITHIN_MS = 10_000;
const CANCEL_WITHIN_MS = 2_000;
const CLOSE_WITHIN_MS = 2_000;

/**
 * What an ack needs to get from the channel into the queue. A quorum queue takes some 30 at a time
 * from a channel; those that wait their turn when the channel is closed are dropped, and their
 * messages delivered again. AMQP has no question whose answer would tell that they are through.
 */
const ACKS_ARRIVE_WITHIN_MS = 100;

export interface ConsumerParts {
  readonly connection: BrokerConnection;
  readonly queue: string;
  /** How many messages may be taken and not yet settled. */
  readonly prefetch: number;
  /** Finds a delivery its outcome; never rejects. */
  readonly handle: (message: ConsumeMessage) => Promise<Outcome>;
  /** Called once, when it ends without having been asked to. */
  readonly onBroken: (reason: string) => void;
}

/**
 * A consumer on a channel of its own: what the broker refuses there harms nobody else.
 *
 * It lives once: starting → running → stopped, or broken on the way. Its prefetch count is the
 * channel's, which RabbitMQ applies to consumers started after it; so another number is another
 * consumer, started when this one has stopped. A lost connection breaks it: the library would bring
 * it back by itself, wanted or not, so it is taken out, and whoever wants it starts another.
 *
 * https://www.rabbitmq.com/docs/consumer-prefetch
 */
export class QueueConsumer {
  state: 'starting' | 'running' | 'stopped' | 'broken' = 'starting';
  private readonly tag: string;
  private readonly inFlight = new Set<Promise<Outcome>>();
  private lastSettledAt = -Infinity;
  private wrapper: ChannelWrapper | undefined;
  private stopping: Promise<void> | undefined;
  private readonly broken: Promise<never>;
  private failStart!: (error: Error) => void;
  private readonly abandoned: Promise<void>;
  private giveUp!: () => void;

  constructor(private readonly parts: ConsumerParts) {
    this.tag = `${parts.queue}.${uuidv7()}`;
    this.abandoned = new Promise((resolve) => (this.giveUp = resolve));
    this.broken = new Promise((_, reject) => (this.failStart = reject));
    this.broken.catch(() => undefined);
  }

  /** How many messages are taken and not yet settled. */
  get unsettled(): number {
    return this.inFlight.size;
  }

  /** @throws when it cannot be started; it is broken then */
  async start(): Promise<void> {
    try {
      await within(START_WITHIN_MS, Promise.race([this.subscribe(), this.broken]), () => {
        return new BrokerUnavailable('the consumer did not start in time');
      });
    } catch (error) {
      this.break(error instanceof Error ? error.message : String(error));
      throw error;
    }
    if (this.state === 'starting') this.state = 'running';
  }

  /**
   * Takes nothing more, waits for what is under way, and closes its channel. Of one that broke, what
   * is under way is with the broker again as well: it is waited for all the same.
   */
  stop(): Promise<void> {
    this.stopping ??= this.cancelAndClose();
    return this.stopping;
  }

  /** Ends the waiting of a {@link stop}: what is not settled goes back to the queue. */
  abandon(): void {
    this.giveUp();
  }

  /**
   * Stops at once. The broker takes back what is not settled and ends the consumer in one step: were
   * it cancelled first, the next one in line would get messages while these are still under way.
   */
  drop(): Promise<void> {
    if (this.state !== 'broken') this.state = 'stopped';
    this.giveUp();
    this.stopping ??= this.close();
    return this.stopping;
  }

  /**
   * The library drops the promise of a subscription that it sets up on an open channel, and a
   * failure would end the process. Asked for in the same turn in which the channel is created, it
   * becomes part of the channel's own set-up, whose failure is an event.
   */
  private async subscribe(): Promise<void> {
    const { amqp } = this.parts.connection;
    if (!this.parts.connection.isUp()) throw new BrokerUnavailable('not connected');
    this.wrapper = amqp.managedConnection.createChannel({
      name: this.tag,
      confirm: false,
      setup: (channel: Channel) => this.setUp(channel),
    });
    this.wrapper.on('error', (error) => this.break(error.message));
    amqp.managedChannels[this.tag] = this.wrapper;
    const take = (_body: unknown, message?: ConsumeMessage): Promise<Nack | undefined> =>
      this.take(message as ConsumeMessage);
    const options: MessageHandlerOptions = {
      queue: this.parts.queue,
      createQueueIfNotExists: false,
      queueOptions: { channel: this.tag, consumerOptions: { consumerTag: this.tag } },
      // A settlement on a channel that is gone: the broker has put the message back already.
      errorHandler: () => undefined,
    };
    await amqp.createSubscriber(take, options, 'QueueConsumer');
  }

  /**
   * A channel answers in order: the subscription that is asked for next finds the prefetch count set.
   * The queue is not declared here: it may have been deleted for good a moment ago.
   */
  private async setUp(channel: Channel): Promise<void> {
    channel.on('error', (error: Error) => this.break(error.message));
    channel.on('close', () => this.break('its channel was closed'));
    // The broker cancels a consumer whose queue is deleted, or moves to another node.
    channel.on('cancel', () => this.break('the broker cancelled it'));
    // A channel that opens after its consumer was given up would consume for nobody.
    if (this.state === 'starting') await channel.prefetch(this.parts.prefetch, false);
    else await channel.close();
  }

  private async take(message: ConsumeMessage): Promise<Nack | undefined> {
    const work = this.parts.handle(message);
    this.inFlight.add(work);
    try {
      return settle(await work);
    } finally {
      this.inFlight.delete(work);
      this.lastSettledAt = performance.now();
    }
  }

  private async cancelAndClose(): Promise<void> {
    if (this.state === 'broken') return this.settledOrAbandoned();
    this.state = 'stopped';
    await this.cancel();
    await this.settledOrAbandoned();
    await this.acksArrived();
    await this.close();
  }

  /** A broker that does not answer is left alone: closing the channel ends the consumer too. */
  private async cancel(): Promise<void> {
    const cancelled = this.parts.connection.amqp.cancelConsumer(this.tag);
    await within(CANCEL_WITHIN_MS, cancelled, () => new Error('late')).catch(() => undefined);
  }

  private async settledOrAbandoned(): Promise<void> {
    await Promise.race([this.settled(), this.abandoned]);
  }

  private async settled(): Promise<void> {
    while (this.inFlight.size > 0) await Promise.allSettled(this.inFlight);
  }

  private async acksArrived(): Promise<void> {
    const left = this.lastSettledAt + ACKS_ARRIVE_WITHIN_MS - performance.now();
    if (left > 0) await delay(left);
  }

  private async close(): Promise<void> {
    const { amqp } = this.parts.connection;
    const { wrapper } = this;
    Reflect.deleteProperty(amqp.managedChannels, this.tag);
    // The library remembers every consumer that it ever set up.
    (
      amqp as unknown as { unregisterConsumerForQueue(tag: string): void }
    ).unregisterConsumerForQueue(this.tag);
    if (!wrapper) return;
    const closed = wrapper.close();
    await within(CLOSE_WITHIN_MS, closed, () => new Error('late')).catch(() => undefined);
  }

  private break(reason: string): void {
    if (this.state === 'stopped' || this.state === 'broken') return;
    this.state = 'broken';
    this.failStart(new BrokerUnavailable(reason));
    void this.close();
    this.parts.onBroken(reason);
  }
}
