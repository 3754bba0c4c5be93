import { InvalidCursor, openCursor, sealCursor, uuidBytes, uuidIn, uuidText } from './cursor';

const position = Buffer.from('position');

describe('cursor', () => {
  it('gives back the position that it was made of', () => {
    expect(openCursor('list/a', sealCursor('list/a', position), position.length)).toEqual(position);
  });

  it('is URL-safe', () => {
    expect(sealCursor('list', Buffer.alloc(64, 0xff))).toMatch(/^[\w-]+$/);
  });

  it("refuses another list's cursor", () => {
    expect(() => openCursor('list/b', sealCursor('list/a', position), position.length)).toThrow(
      InvalidCursor,
    );
  });

  it.each(['', 'x', 'not a cursor', '%%%', 'AAAA', 'A'.repeat(60)])('refuses %j', (text) => {
    expect(() => openCursor('list/a', text, position.length)).toThrow(InvalidCursor);
  });

  it('refuses a cursor with any character changed', () => {
    const cursor = sealCursor('list/a', position);
    for (let at = 0; at < cursor.length; at++) {
      const other = cursor[at] === 'A' ? 'B' : 'A';
      const changed = cursor.slice(0, at) + other + cursor.slice(at + 1);
      expect(() => openCursor('list/a', changed, position.length)).toThrow(InvalidCursor);
    }
  });

  it('refuses a cursor with characters added', () => {
    const cursor = sealCursor('list/a', position);
    expect(() => openCursor('list/a', `${cursor}=`, position.length)).toThrow(InvalidCursor);
    expect(() => openCursor('list/a', `${cursor}A`, position.length)).toThrow(InvalidCursor);
    expect(() => openCursor('list/a', ` ${cursor}`, position.length)).toThrow(InvalidCursor);
  });

  it('refuses a forged cursor whose position is shorter or longer', () => {
    for (const size of [0, 1, position.length - 1, position.length + 1, 4_096]) {
      const forged = sealCursor('list/a', Buffer.alloc(size));
      expect(() => openCursor('list/a', forged, position.length)).toThrow(InvalidCursor);
    }
  });

  it('keeps UUIDs', () => {
    const uuid = '0192f0c1-2345-7abc-8def-0123456789ab';
    expect(uuidText(uuidBytes(uuid))).toBe(uuid);
  });
});

describe('uuidIn', () => {
  it('finds nothing in what is no UUID', () => {
    for (const value of [undefined, null, 1, '', 'x', {}]) expect(uuidIn(value)).toBeUndefined();
  });
});
