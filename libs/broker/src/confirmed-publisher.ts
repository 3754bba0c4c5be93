import { Injectable } from '@nestjs/common';
import type { ConfirmChannel, Message, Options } from 'amqplib';
import { PublishingConnection } from './connections';
import { within } from './deadline';

export type PublishOutcome =
  /** The broker has it on disk, in a queue. */
  | { kind: 'confirmed' }
  /** No queue is bound by the routing key: nobody has it. */
  | { kind: 'unroutable' }
  /** Not known to have arrived: say that it was not accepted. */
  | { kind: 'unavailable'; reason: string };

/** Callers are promised an answer within 2 s; this leaves time to write it. */
const CONFIRM_WITHIN_MS = 1_200;

/**
 * What may wait for a confirm at a time. A broker confirms some 30,000 a second, so that more than
 * this would not be confirmed in time anyway; beyond it callers are turned away, not buffered.
 */
const MAX_UNCONFIRMED = 50_000;
const MAX_UNCONFIRMED_BYTES = 128 * 1024 * 1024;

/** Publishes persistent, mandatory messages and waits for the broker's confirm of each. */
@Injectable()
export class ConfirmedPublisher {
  private readonly pending = new Map<string, { returned: boolean }>();
  private pendingBytes = 0;
  private published = 0;

  constructor(private readonly connection: PublishingConnection) {
    connection.amqp.managedChannel
      .addSetup((channel: ConfirmChannel) => {
        channel.on('return', (message: Message) => this.noteReturn(message));
      })
      .catch(() => undefined);
  }

  /** Resolves within 1.3 s; never rejects. */
  async publish(
    exchange: string,
    routingKey: string,
    body: Buffer,
    options: Options.Publish,
  ): Promise<PublishOutcome> {
    const refusal = this.refusal(body.byteLength);
    if (refusal) return { kind: 'unavailable', reason: refusal };
    return this.publishTracked(exchange, routingKey, body, options);
  }

  /** Whether a message could be accepted now: publishes one that no queue wants. */
  async probe(exchange: string): Promise<PublishOutcome> {
    const outcome = await this.publish(exchange, 'probe', Buffer.alloc(0), {});
    return outcome.kind === 'unroutable' ? { kind: 'confirmed' } : outcome;
  }

  private refusal(bytes: number): string | undefined {
    const { state } = this.connection;
    if (state.kind === 'disconnected') return 'not connected';
    if (state.kind === 'blocked') return `it takes no messages now (${state.reason})`;
    const tooMany = this.pending.size >= MAX_UNCONFIRMED;
    const tooMuch = this.pendingBytes > 0 && this.pendingBytes + bytes > MAX_UNCONFIRMED_BYTES;
    return tooMany || tooMuch ? 'too much waits for its confirm' : undefined;
  }

  private async publishTracked(
    exchange: string,
    routingKey: string,
    body: Buffer,
    options: Options.Publish,
  ): Promise<PublishOutcome> {
    // A return carries no delivery tag, and several publishes may share a message id.
    const correlationId = String(++this.published);
    const entry = { returned: false };
    this.pending.set(correlationId, entry);
    this.pendingBytes += body.byteLength;
    try {
      await this.confirmed(exchange, routingKey, body, { ...options, correlationId });
      // The return of a mandatory message arrives before its confirm.
      return entry.returned ? { kind: 'unroutable' } : { kind: 'confirmed' };
    } catch (error) {
      return {
        kind: 'unavailable',
        reason: error instanceof Error ? error.message : String(error),
      };
    } finally {
      this.pending.delete(correlationId);
      this.pendingBytes -= body.byteLength;
    }
  }

  /**
   * The manager's own timeout takes back what was not sent yet. The second one is for a message
   * that it keeps for the next connection, without a timeout, when a cut meets the first.
   */
  private async confirmed(
    exchange: string,
    routingKey: string,
    body: Buffer,
    options: Options.Publish,
  ): Promise<void> {
    // The timeout is the connection manager's, which golevelup's type does not know of.
    const safely = { ...options, persistent: true, mandatory: true, timeout: CONFIRM_WITHIN_MS };
    const publishing = this.connection.amqp.publish(exchange, routingKey, body, safely);
    await within(CONFIRM_WITHIN_MS + 100, publishing, () => new Error('no confirm in time'));
  }

  private noteReturn(message: Message): void {
    const entry = this.pending.get(String(message.properties.correlationId));
    if (entry) entry.returned = true;
  }
}
