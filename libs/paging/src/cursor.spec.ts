import { InvalidCursor, openCursor, sealCursor, uuidBytes, uuidText } from './cursor';

const position = Buffer.from('position');

describe('cursor', () => {
  it('gives back the position that it was made of', () => {
    expect(openCursor('list/a', sealCursor('list/a', position))).toEqual(position);
  });

  it('is URL-safe', () => {
    expect(sealCursor('list', Buffer.alloc(64, 0xff))).toMatch(/^[\w-]+$/);
  });

  it("refuses another list's cursor", () => {
    expect(() => openCursor('list/b', sealCursor('list/a', position))).toThrow(InvalidCursor);
  });

  it.each(['', 'x', 'not a cursor', '%%%', 'AAAA', 'A'.repeat(60)])('refuses %j', (text) => {
    expect(() => openCursor('list/a', text)).toThrow(InvalidCursor);
  });

  it('refuses a cursor with any character changed', () => {
    const cursor = sealCursor('list/a', position);
    for (let at = 0; at < cursor.length; at++) {
      const other = cursor[at] === 'A' ? 'B' : 'A';
      const changed = cursor.slice(0, at) + other + cursor.slice(at + 1);
      expect(() => openCursor('list/a', changed)).toThrow(InvalidCursor);
    }
  });

  it('refuses a cursor with characters added', () => {
    const cursor = sealCursor('list/a', position);
    expect(() => openCursor('list/a', `${cursor}=`)).toThrow(InvalidCursor);
    expect(() => openCursor('list/a', `${cursor}A`)).toThrow(InvalidCursor);
    expect(() => openCursor('list/a', ` ${cursor}`)).toThrow(InvalidCursor);
  });

  it('keeps UUIDs', () => {
    const uuid = '0192f0c1-2345-7abc-8def-0123456789ab';
    expect(uuidText(uuidBytes(uuid))).toBe(uuid);
  });
});
