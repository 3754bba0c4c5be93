import { Injectable } from '@nestjs/common';
import type { ConfirmChannel, Message, Options } from 'amqplib';
import { PublishingConnection } from './connections';
import { PublishingChannel, type Sending } from './publishing-channel';

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

interface Pending extends Sending {
  readonly due: number;
  abandoned: boolean;
  returned: boolean;
}

const CONFIRMED: PublishOutcome = { kind: 'confirmed' };
const UNROUTABLE: PublishOutcome = { kind: 'unroutable' };

/** Publishes persistent, mandatory messages and waits for the broker's confirm of each. */
@Injectable()
export class ConfirmedPublisher {
  private readonly channel: PublishingChannel;
  /** By their correlation id, the oldest first: all may wait equally long. */
  private readonly pending = new Map<string, Pending>();
  private pendingBytes = 0;
  private published = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly connection: PublishingConnection) {
    this.channel = new PublishingChannel(() => connection.reconnect());
    connection.amqp.managedChannel
      .addSetup((channel: ConfirmChannel) => {
        this.channel.open(channel, (message) => this.noteReturn(message));
      })
      .catch(() => undefined);
  }

  /** Resolves within 1.3 s; never rejects. */
  publish(
    exchange: string,
    routingKey: string,
    body: Buffer,
    options: Options.Publish,
  ): Promise<PublishOutcome> {
    const reason = this.refusal(body.byteLength);
    if (reason !== undefined) return Promise.resolve({ kind: 'unavailable', reason });
    return new Promise((resolve) => {
      this.track(resolve, { exchange, routingKey, body, options });
    });
  }

  /** Whether a message could be accepted now: publishes one that no queue wants. */
  async probe(exchange: string): Promise<PublishOutcome> {
    const outcome = await this.publish(exchange, 'probe', Buffer.alloc(0), {});
    return outcome.kind === 'unroutable' ? CONFIRMED : outcome;
  }

  private refusal(bytes: number): string | undefined {
    const { state } = this.connection;
    if (state.kind === 'disconnected') return 'not connected';
    if (state.kind === 'blocked') return `it takes no messages now (${state.reason})`;
    const tooMany = this.pending.size >= MAX_UNCONFIRMED;
    const tooMuch = this.pendingBytes > 0 && this.pendingBytes + bytes > MAX_UNCONFIRMED_BYTES;
    return tooMany || tooMuch ? 'too much waits for its confirm' : undefined;
  }

  private track(
    resolve: (outcome: PublishOutcome) => void,
    message: Pick<Sending, 'exchange' | 'routingKey' | 'body' | 'options'>,
  ): void {
    // A return carries no delivery tag, and several publishes may share a message id.
    const correlationId = String(++this.published);
    const pending: Pending = {
      ...message,
      options: { ...message.options, correlationId, persistent: true, mandatory: true },
      due: performance.now() + CONFIRM_WITHIN_MS,
      abandoned: false,
      returned: false,
      done: (error) => {
        if (!this.pending.delete(correlationId)) return;
        this.pendingBytes -= message.body.byteLength;
        resolve(outcomeOf(pending, error));
      },
    };
    this.pending.set(correlationId, pending);
    this.pendingBytes += message.body.byteLength;
    this.channel.send(pending);
    this.timer ??= setTimeout(() => this.expire(), CONFIRM_WITHIN_MS);
  }

  /** One timer for all: it goes off when the oldest is due, and looks at those that have come since. */
  private expire(): void {
    const now = performance.now();
    this.timer = undefined;
    for (const pending of this.pending.values()) {
      if (pending.due > now) {
        this.timer = setTimeout(() => this.expire(), pending.due - now);
        break;
      }
      pending.abandoned = true;
      pending.done(new Error('no confirm in time'));
    }
    this.channel.dropAbandoned();
  }

  private noteReturn(message: Message): void {
    const pending = this.pending.get(String(message.properties.correlationId));
    if (pending) pending.returned = true;
  }
}

/** The return of a mandatory message arrives before its confirm. */
function outcomeOf({ returned }: Pending, error: Error | undefined): PublishOutcome {
  if (error) return { kind: 'unavailable', reason: error.message };
  return returned ? UNROUTABLE : CONFIRMED;
}
