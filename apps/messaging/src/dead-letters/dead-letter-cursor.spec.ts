import { InvalidCursor, sealCursor } from '@app/paging';
import { cursorAt, positionOf } from './dead-letter-cursor';

const tenant = '0192f0c1-2345-7abc-8def-0123456789ab';
const other = '0192f0c1-2345-7abc-8def-0123456789ac';
const diedAt = new Date('2026-11-23T10:00:00.123Z');

describe('dead letter cursor', () => {
  it('keeps its position', () => {
    const position = positionOf(tenant, cursorAt(tenant, diedAt, other));
    expect(position).toEqual({ diedAt: diedAt.toISOString(), id: other });
  });

  it("refuses another tenant's, and one of another list", () => {
    expect(() => positionOf(other, cursorAt(tenant, diedAt, other))).toThrow(InvalidCursor);
    const ofMessages = sealCursor(`messages/${tenant}/desc`, Buffer.alloc(24));
    expect(() => positionOf(tenant, ofMessages)).toThrow(InvalidCursor);
  });

  it.each([2n ** 63n - 1n, -(2n ** 63n), 253_402_300_800_000n, -62_135_596_800_001n])(
    'refuses a forged time of %s ms, which is no date of the column',
    (time) => {
      const bytes = Buffer.alloc(24);
      bytes.writeBigInt64BE(time);
      const forged = sealCursor(`dead-letters/${tenant}`, bytes);
      expect(() => positionOf(tenant, forged)).toThrow(InvalidCursor);
    },
  );
});
