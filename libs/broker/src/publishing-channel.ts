import type { ConfirmChannel, Message, Options } from 'amqplib';

/** Those of the library that we use; one that is undefined is not sent. */
type SendingOptions = {
  readonly [Name in keyof Options.Publish]?: Options.Publish[Name] | undefined;
};

/** A message on its way to the broker. */
export interface Sending {
  readonly exchange: string;
  readonly routingKey: string;
  readonly body: Buffer;
  readonly options: SendingOptions;
  /** Once, when the broker has confirmed it, or with what became of it instead. */
  done(error: Error | undefined): void;
  /** Nobody waits for it any more: it need not be sent. */
  readonly abandoned: boolean;
}

/**
 * With so many under way the broker has enough to do: what comes meanwhile gathers, and goes to it
 * together as soon as fewer are. A group costs broker and process hardly more than one message does, and
 * the broker would have it wait for its disk anyway. Who publishes when little is under way waits for
 * nobody. Nagle's algorithm does so with bytes: https://www.rfc-editor.org/rfc/rfc896
 */
const ENOUGH_UNDER_WAY = 8;

/** A group of so many does not wait. */
const FULL_GROUP = 100;

/** Nor does any for longer, since a queue that confirms nothing is not to hold up others. */
const GATHER_WITHIN_MS = 3;

/**
 * Sends on whatever channel there is at present. What the socket has no room for waits here, and not
 * in the library's buffers, so that it can still be taken back; so does what comes while a new
 * connection is set up. The connection manager does the same with a timer, two promises and a turn of
 * the loop for each message, which at 20,000 a second is a third of the process's time.
 */
export class PublishingChannel {
  private channel: ConfirmChannel | undefined;
  private hasRoom = false;
  private waiting: Sending[] = [];
  /** What the present channel has not confirmed yet. */
  private unconfirmed = { count: 0 };
  private groupDue: NodeJS.Timeout | undefined;

  /** `reconnect` ends the connection, for another one to be set up. */
  constructor(private readonly reconnect: () => void) {}

  /** Takes over a channel that was set up; `onReturn` hears of what no queue took. */
  open(channel: ConfirmChannel, onReturn: (message: Message) => void): void {
    this.channel = channel;
    this.unconfirmed = { count: 0 };
    channel.on('return', onReturn);
    channel.on('drain', () => this.onRoom(channel));
    channel.on('close', () => this.onClosed(channel));
    this.onRoom(channel);
  }

  /** In their order, and behind all that was to be sent before. */
  send(sendings: readonly Sending[]): void {
    for (const sending of sendings) this.waiting.push(sending);
    if (!this.isBusy || this.waiting.length >= FULL_GROUP) this.sendWaiting();
    else this.groupDue ??= setTimeout(() => this.sendWaiting(), GATHER_WITHIN_MS);
  }

  /** Drops what was abandoned: the oldest are the first. */
  dropAbandoned(): void {
    const first = this.waiting.findIndex(({ abandoned }) => !abandoned);
    this.waiting.splice(0, first < 0 ? this.waiting.length : first);
  }

  private onRoom(channel: ConfirmChannel): void {
    if (this.channel !== channel) return;
    this.hasRoom = true;
    this.sendWaiting();
  }

  private get isBusy(): boolean {
    return this.unconfirmed.count >= ENOUGH_UNDER_WAY;
  }

  /** As far as there is room. */
  private sendWaiting(): void {
    clearTimeout(this.groupDue);
    this.groupDue = undefined;
    let sent = 0;
    for (const next of this.waiting) {
      if (!this.channel || !this.hasRoom) break;
      sent++;
      if (!next.abandoned) this.sendOn(this.channel, next);
    }
    this.waiting.splice(0, sent);
  }

  private onClosed(channel: ConfirmChannel): void {
    if (this.channel !== channel) return;
    this.channel = undefined;
    this.hasRoom = false;
  }

  /** The library calls back for every message: with null, or with an error when the channel closes. */
  private sendOn(channel: ConfirmChannel, sending: Sending): void {
    const { exchange, routingKey, body, options } = sending;
    const { unconfirmed } = this;
    unconfirmed.count++;
    const confirmed = (error: Error | null): void => {
      unconfirmed.count--;
      sending.done(error ?? undefined);
      if (error === null && !this.isBusy && this.waiting.length > 0) this.sendWaiting();
    };
    try {
      const sent = options as Options.Publish;
      this.hasRoom = channel.publish(exchange, routingKey, body, sent, confirmed);
    } catch (error) {
      sending.done(error instanceof Error ? error : new Error(String(error)));
      this.onClosed(channel);
      // It was counted as sent: from here on each confirm would be taken for another message's.
      this.reconnect();
    }
  }
}
