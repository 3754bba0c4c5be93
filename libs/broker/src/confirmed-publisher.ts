import { Injectable } from '@nestjs/common';
import type { ConfirmChannel, Message } from 'amqplib';
import { PublishingConnection } from './connections';
import { PublishingChannel, type Sending } from './publishing-channel';
import { SendWindow } from './send-window';

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

/** A message to be published. */
export interface Publishing {
  readonly body: Buffer;
  readonly messageId: string | undefined;
  readonly contentType: string | undefined;
  readonly type: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
}

const CONFIRMED: PublishOutcome = { kind: 'confirmed' };
const UNROUTABLE: PublishOutcome = { kind: 'unroutable' };

/** A message that waits for its confirm. */
class Pending implements Sending {
  abandoned = false;
  returned = false;

  constructor(
    readonly exchange: string,
    readonly routingKey: string,
    readonly body: Buffer,
    readonly options: Sending['options'],
    readonly due: number,
    private readonly settle: (outcome: PublishOutcome) => void,
  ) {}

  /** The return of a mandatory message arrives before its confirm. */
  done(error: Error | undefined): void {
    if (error) this.settle({ kind: 'unavailable', reason: error.message });
    else this.settle(this.returned ? UNROUTABLE : CONFIRMED);
  }
}

/** Publishes persistent, mandatory messages and waits for the broker's confirm of each. */
@Injectable()
export class ConfirmedPublisher {
  private readonly channel: PublishingChannel;
  /** All may wait equally long. */
  private readonly pending = new SendWindow<Pending>();
  private pendingBytes = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly connection: PublishingConnection) {
    this.channel = new PublishingChannel(() => connection.reconnect());
    connection.amqp.managedChannel
      .addSetup((channel: ConfirmChannel) => {
        this.channel.open(channel, (message) => this.noteReturn(message));
      })
      .catch(() => undefined);
  }

  /**
   * The outcomes, in the order of the messages, of which there is one at least: one promise for all of
   * them, since at 20,000 a second their number counts. Resolves within 1.3 s; never rejects.
   */
  publish(
    exchange: string,
    routingKey: string,
    messages: readonly Publishing[],
  ): Promise<readonly PublishOutcome[]> {
    return new Promise((resolve) => {
      const outcomes = new Array<PublishOutcome>(messages.length);
      let open = messages.length;
      const sendings: Pending[] = [];
      for (const [index, message] of messages.entries()) {
        const settle = (outcome: PublishOutcome): void => {
          outcomes[index] = outcome;
          if (--open === 0) resolve(outcomes);
        };
        const reason = this.refusal(message.body.byteLength);
        if (reason === undefined) sendings.push(this.track(exchange, routingKey, message, settle));
        else settle({ kind: 'unavailable', reason });
      }
      this.channel.send(sendings);
    });
  }

  /** Whether a message could be accepted now: publishes one that no queue wants. */
  async probe(exchange: string): Promise<PublishOutcome> {
    const none = { messageId: undefined, contentType: undefined, type: undefined, headers: {} };
    const unwanted = { body: Buffer.alloc(0), ...none };
    const [outcome = CONFIRMED] = await this.publish(exchange, 'probe', [unwanted]);
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
    exchange: string,
    routingKey: string,
    { body, messageId, contentType, type, headers }: Publishing,
    settle: (outcome: PublishOutcome) => void,
  ): Pending {
    // A return carries no delivery tag, and several publishes may share a message id.
    const number = this.pending.next;
    const correlationId = String(number);
    // All of one shape: the library reads them faster.
    const options = {
      messageId,
      contentType,
      type,
      headers,
      correlationId,
      persistent: true,
      mandatory: true,
    };
    const due = performance.now() + CONFIRM_WITHIN_MS;
    const pending = new Pending(exchange, routingKey, body, options, due, (outcome) => {
      if (!this.pending.delete(number)) return;
      this.pendingBytes -= body.byteLength;
      settle(outcome);
    });
    this.pending.add(pending);
    this.pendingBytes += body.byteLength;
    this.timer ??= setTimeout(() => this.expire(), CONFIRM_WITHIN_MS);
    return pending;
  }

  /** One timer for all: it goes off when the oldest is due, and looks at those that have come since. */
  private expire(): void {
    const now = performance.now();
    let { oldest } = this.pending;
    for (; oldest && oldest.due <= now; oldest = this.pending.oldest) {
      oldest.abandoned = true;
      oldest.done(new Error('no confirm in time'));
    }
    this.timer = oldest && setTimeout(() => this.expire(), oldest.due - now);
    this.channel.dropAbandoned();
  }

  private noteReturn(message: Message): void {
    const pending = this.pending.get(Number(message.properties.correlationId));
    if (pending) pending.returned = true;
  }
}
