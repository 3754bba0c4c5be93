import { goesBack } from './settlement';

describe('goesBack', () => {
  it.each([
    { kind: 'stored' } as const,
    { kind: 'dead', reason: 'not JSON' } as const,
    { kind: 'tenant gone' } as const,
  ])('is false for what is done with: $kind', (outcome) => {
    expect(goesBack(outcome)).toBe(false);
  });

  it.each([{ kind: 'failed' } as const, { kind: 'abandoned' } as const])(
    'is true for what is not: $kind',
    (outcome) => {
      expect(goesBack(outcome)).toBe(true);
    },
  );
});
