import { randomUUID } from 'node:crypto';

/** A payload of some 200 bytes. */
export const payload = (): object => ({
  order: randomUUID(),
  note: 'x'.repeat(120),
  total: 99.5,
});
