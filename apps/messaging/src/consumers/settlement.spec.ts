import { Nack } from '@golevelup/nestjs-rabbitmq';
import { settle } from './settlement';

describe('settle', () => {
  it.each([
    { kind: 'stored' } as const,
    { kind: 'dead', reason: 'not JSON' } as const,
    { kind: 'tenant gone' } as const,
  ])('acks what is done with: $kind', (outcome) => {
    expect(settle(outcome)).toBeUndefined();
  });

  it.each([{ kind: 'failed' } as const, { kind: 'abandoned' } as const])(
    'puts back what is not: $kind',
    (outcome) => {
      const nack = settle(outcome);
      expect(nack).toBeInstanceOf(Nack);
      expect(nack?.requeue).toBe(true);
    },
  );
});
