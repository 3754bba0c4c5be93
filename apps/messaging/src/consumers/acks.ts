import type { Channel, ConsumeMessage } from 'amqplib';
import type { AckRound } from './ack-round';
import { isSmall } from './courtesy';

/**
 * The answers to one channel's deliveries. Those to a batch come in one turn of the loop, and mostly
 * in the order in which the messages were delivered: one ack stands for all of them, which is less
 * work for the broker and for this process than one each.
 *
 * Those of a large tenant wait a moment, unless they are half of what it may take: for the next batch's,
 * and for other large tenants'.
 *
 * https://www.rabbitmq.com/docs/confirms#consumer-acks-multiple-parameter
 */
export class Acks {
  /** The tags of what was delivered and not answered, in the order of delivery. */
  private readonly open = new Set<number>();
  private readonly pending = new Set<number>();
  /** By `performance.now()`. */
  lastSentAt = -Infinity;
  /** So many wait for no others. */
  private readonly enough: number;
  private readonly sendAll = (): void => this.send();

  /**
   * @param prefetch the channel's: how many messages it may be given that are not answered
   * @param round that a large tenant's acks go out in
   */
  constructor(
    private readonly channel: Channel,
    private readonly prefetch: number,
    private readonly round: AckRound,
  ) {
    this.enough = Math.ceil(prefetch / 2);
  }

  /** To be called for every delivery, in their order. */
  delivered({ fields }: ConsumeMessage): void {
    this.open.add(fields.deliveryTag);
  }

  /** Acks this one, together with what else is acked in this turn, or a moment later. */
  ack({ fields }: ConsumeMessage): void {
    this.pending.add(fields.deliveryTag);
    const { size } = this.pending;
    if (isSmall(this.prefetch)) {
      if (size === 1) queueMicrotask(this.sendAll);
      return;
    }
    if (size === 1) this.round.join(this.sendAll);
    if (size === this.enough) this.round.endSoon();
  }

  /** Sends what waits. The broker refuses an ack that names no open delivery, also one that is for several. */
  send(): void {
    const last = this.takeFirst();
    if (last !== undefined) this.ackTag(last, true);
    for (const tag of this.pending) {
      this.open.delete(tag);
      this.ackTag(tag, false);
    }
    this.pending.clear();
  }

  /** Puts this one back into its queue, for which that is no failure. */
  putBack(message: ConsumeMessage): void {
    this.open.delete(message.fields.deliveryTag);
    this.answer(() => this.channel.nack(message, false, true));
  }

  /**
   * The same for one that failed. Before RabbitMQ 4.3 a quorum queue counts both alike; since then
   * only a reject counts as a delivery that failed. https://www.rabbitmq.com/docs/nack
   */
  putBackFailed(message: ConsumeMessage): void {
    this.open.delete(message.fields.deliveryTag);
    this.answer(() => this.channel.reject(message, true));
  }

  /** Takes those that are acked before the first one that is not; returns the last of them. */
  private takeFirst(): number | undefined {
    let last: number | undefined;
    for (const tag of this.open) {
      if (!this.pending.delete(tag)) break;
      this.open.delete(tag);
      last = tag;
    }
    return last;
  }

  private ackTag(deliveryTag: number, allUpTo: boolean): void {
    this.answer(() => this.channel.ack({ fields: { deliveryTag } } as ConsumeMessage, allUpTo));
  }

  /** On a channel that is closed the library throws: the broker has put its messages back already. */
  private answer(send: () => void): void {
    try {
      send();
      this.lastSentAt = performance.now();
    } catch {
      this.open.clear();
    }
  }
}
