import { setTimeout as delay } from 'node:timers/promises';
import { atMost, type BrokerConnection, BrokerUnavailable, within } from '@app/broker';
import type { Channel, ConsumeMessage } from 'amqplib';
import { uuidv7 } from 'uuidv7';
import type { AckRound } from './ack-round';
import { Acks } from './acks';
import type { Outcome } from './settlement';

const START_WITHIN_MS = 10_000;
const CANCEL_WITHIN_MS = 2_000;
const CLOSE_WITHIN_MS = 2_000;

/**
 * What an ack needs to get from the channel into the queue. A quorum queue takes some 30 at a time
 * from a channel; those that wait their turn when the channel is closed are dropped, and their
 * messages delivered again. AMQP has no question whose answer would tell that they are through.
 */
const ACKS_ARRIVE_WITHIN_MS = 100;

export type Begin = (handling: () => void) => void;

export const atOnce: Begin = (handling) => handling();

export interface ConsumerParts {
  readonly connection: BrokerConnection;
  readonly queue: string;
  /** How many messages may be taken and not yet settled. */
  readonly prefetch: number;
  /** What the acks of a large one go out in. */
  readonly round: AckRound;
  /** Begins the handling of a delivery: at once, or in its turn. */
  readonly begin: Begin;
  /** Finds a delivery its outcome. Where it fails, nobody knows why: the message goes back. */
  readonly handle: (message: ConsumeMessage) => Promise<Outcome>;
  /** Called with why that failed. */
  readonly onFailed: (error: unknown) => void;
  /** Called once, when it ends without having been asked to. */
  readonly onBroken: (reason: string) => void;
}

/** What it has from the broker: both are gone when the channel is closed. */
interface Line {
  readonly channel: Channel;
  readonly acks: Acks;
}

/**
 * A consumer on a channel of its own: what the broker refuses there harms nobody else.
 *
 * It lives once: starting → running → stopped, or broken on the way. Its prefetch count is the
 * channel's, which RabbitMQ applies to consumers started after it; so another number is another
 * consumer, started when this one has stopped. The channel is the connection's own and not one that
 * the connection manager keeps: a consumer whose connection is lost does not come back by itself,
 * wanted or not. Whoever wants it starts another.
 *
 * https://www.rabbitmq.com/docs/consumer-prefetch
 */
export class QueueConsumer {
  state: 'starting' | 'running' | 'stopped' | 'broken' = 'starting';
  /** How many messages are taken and not yet settled. */
  unsettled = 0;
  private readonly tag: string;
  private line: Line | undefined;
  private cancelling: Promise<void> | undefined;
  private stopping: Promise<void> | undefined;
  private readonly broken: Promise<never>;
  private failStart!: (error: Error) => void;
  private readonly abandoned: Promise<void>;
  private giveUp!: () => void;
  private onSettled: () => void = () => undefined;

  constructor(private readonly parts: ConsumerParts) {
    this.tag = `${parts.queue}.${uuidv7()}`;
    this.abandoned = new Promise((resolve) => (this.giveUp = resolve));
    this.broken = new Promise((_, reject) => (this.failStart = reject));
    this.broken.catch(() => undefined);
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
   * Takes nothing more: what goes back from here on does not come again. A broker that does not answer is
   * not waited for; never rejects.
   */
  cancel(): Promise<void> {
    if (this.state === 'broken') return Promise.resolve();
    this.state = 'stopped';
    this.cancelling ??= this.ask(CANCEL_WITHIN_MS, (channel) => channel.cancel(this.tag));
    return this.cancelling;
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

  /** The queue is not declared here: it may have been deleted for good a moment ago. */
  private async subscribe(): Promise<void> {
    const { connection, queue, prefetch, round } = this.parts;
    const channel = await connection.openChannel();
    const acks = new Acks(channel, prefetch, round);
    this.line = { channel, acks };
    channel.on('error', (error: Error) => this.break(error.message));
    channel.on('close', () => this.break('its channel was closed'));
    await channel.prefetch(prefetch, false);
    // One that opens after its consumer was given up would consume for nobody.
    if (this.state !== 'starting') return this.close();
    const take = (message: ConsumeMessage | null): void => this.take(message, acks);
    await channel.consume(queue, take, { consumerTag: this.tag });
  }

  /** The broker cancels a consumer whose queue is deleted, or moves to another node. */
  private take(message: ConsumeMessage | null, acks: Acks): void {
    if (!message) return this.break('the broker cancelled it');
    this.unsettled++;
    acks.delivered(message);
    this.parts.begin(() => this.handle(message, acks));
  }

  /** At 30,000 messages a second each promise counts, so here is the only one besides the batch's. */
  private handle(message: ConsumeMessage, acks: Acks): void {
    this.handled(message).then(
      (outcome) => this.settle(message, acks, outcome),
      (error: unknown) => {
        this.parts.onFailed(error);
        this.settle(message, acks, { kind: 'failed' });
      },
    );
  }

  private handled(message: ConsumeMessage): Promise<Outcome> {
    try {
      return this.parts.handle(message);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private settle(message: ConsumeMessage, acks: Acks, outcome: Outcome): void {
    this.answer(message, acks, outcome);
    this.unsettled--;
    if (this.unsettled === 0) this.onSettled();
  }

  private answer(message: ConsumeMessage, acks: Acks, outcome: Outcome): void {
    switch (outcome.kind) {
      case 'failed':
        acks.putBackFailed(message);
        break;
      case 'abandoned':
        acks.putBack(message);
        break;
      case 'stored':
      case 'dead':
      case 'tenant gone':
        acks.ack(message);
    }
  }

  private async cancelAndClose(): Promise<void> {
    if (this.state === 'broken') return this.settledOrAbandoned();
    await this.cancel();
    await this.settledOrAbandoned();
    await this.acksArrived();
    await this.close();
  }

  private async settledOrAbandoned(): Promise<void> {
    if (this.unsettled === 0) return;
    const settled = new Promise<void>((resolve) => (this.onSettled = resolve));
    await Promise.race([settled, this.abandoned]);
  }

  private async acksArrived(): Promise<void> {
    this.line?.acks.send();
    const lastSentAt = this.line?.acks.lastSentAt ?? -Infinity;
    const left = lastSentAt + ACKS_ARRIVE_WITHIN_MS - performance.now();
    if (left > 0) await delay(left);
  }

  private async close(): Promise<void> {
    await this.ask(CLOSE_WITHIN_MS, (channel) => channel.close());
  }

  /** What fails, on a channel that is closed already above all, has nothing left to be done. */
  private async ask(
    withinMs: number,
    question: (channel: Channel) => Promise<unknown>,
  ): Promise<void> {
    const { line } = this;
    if (!line) return;
    const asked = Promise.resolve().then(() => question(line.channel));
    await atMost(withinMs, asked);
  }

  private break(reason: string): void {
    if (this.state === 'stopped' || this.state === 'broken') return;
    this.state = 'broken';
    this.failStart(new BrokerUnavailable(reason));
    void this.close();
    this.parts.onBroken(reason);
  }
}
