import { Nack } from '@golevelup/nestjs-rabbitmq';

/** What became of a delivery. */
export type Outcome =
  /** It is in its tenant's partition, now or since before. */
  | { kind: 'stored' }
  /** It can never be stored, and is kept as a dead letter. */
  | { kind: 'dead'; reason: string }
  /** Its tenant was removed, and it with it. */
  | { kind: 'tenant gone' }
  /** Nobody knows why it failed: the queue counts how often. */
  | { kind: 'failed' }
  /** We stop before it could be stored. */
  | { kind: 'abandoned' };

/**
 * The answer to the broker: undefined acks, a Nack puts the message back. The library gives it on
 * the channel that delivered, which is the only one where the delivery's tag means anything.
 */
export function settle(outcome: Outcome): Nack | undefined {
  switch (outcome.kind) {
    case 'stored':
    case 'dead':
    case 'tenant gone':
      return undefined;
    case 'failed':
    case 'abandoned':
      return new Nack(true);
  }
}
