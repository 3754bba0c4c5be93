import { InvalidCursor } from '@app/paging';
import { cursorAt, positionOf, START } from './message-cursor';

const tenant = '0192f0c1-2345-7abc-8def-0123456789ab';
const other = '0192f0c1-2345-7abc-8def-0123456789ac';

describe('message cursor', () => {
  it.each([START.asc, START.desc, { storedXid: '9007199254740993', id: other }])(
    'keeps %j',
    (position) => {
      expect(positionOf(tenant, 'asc', cursorAt(tenant, 'asc', position))).toEqual(position);
    },
  );

  it("refuses another tenant's, and the other order's", () => {
    const cursor = cursorAt(tenant, 'asc', START.asc);
    expect(() => positionOf(other, 'asc', cursor)).toThrow(InvalidCursor);
    expect(() => positionOf(tenant, 'desc', cursor)).toThrow(InvalidCursor);
  });
});
