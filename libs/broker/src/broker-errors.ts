/** The broker is away, blocked by an alarm, or does not answer in time. */
export class BrokerUnavailable extends Error {
  constructor(readonly reason: string) {
    super(`The broker is unavailable: ${reason}`);
    this.name = 'BrokerUnavailable';
  }
}

/** A queue of this name is there, declared otherwise: https://www.rabbitmq.com/docs/queues#property-equivalence */
export const isOtherArguments = (error: unknown): boolean =>
  error instanceof BrokerUnavailable && /406 \(PRECONDITION.FAILED\)/.test(error.reason);

/** There is no such queue: https://www.rabbitmq.com/amqp-0-9-1-reference#constants */
export const isQueueMissing = (error: unknown): boolean =>
  error instanceof Error && /404 \(NOT.FOUND\)/.test(error.message);
