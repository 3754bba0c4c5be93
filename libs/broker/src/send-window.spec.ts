import fc from 'fast-check';
import { SendWindow } from './send-window';

describe('a window of what was sent', () => {
  it('knows each by its number until it is answered, whatever the order', () => {
    const window = new SendWindow<string>();
    for (const item of ['a', 'b', 'c']) window.add(item);
    expect([window.delete(1), window.delete(1)]).toEqual([true, false]);
    expect([window.get(0), window.get(1), window.get(2), window.next]).toEqual([
      'a',
      undefined,
      'c',
      3,
    ]);
    expect([window.oldest, window.size]).toEqual(['a', 2]);
    expect([window.delete(0), window.oldest, window.size]).toEqual([true, 'c', 1]);
    expect([window.get(-1), window.get(NaN), window.get(3)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('answers as a map would, over any course of events', () => {
    const event = fc.oneof({ weight: 3, arbitrary: fc.constant('sent') }, fc.nat(60));
    fc.assert(
      fc.property(fc.array(event, { maxLength: 300 }), (events) => {
        const window = new SendWindow<number>();
        const map = new Map<number, number>();
        for (const [index, happened] of events.entries()) {
          if (happened === 'sent') {
            map.set(window.next, index);
            window.add(index);
          } else {
            // Somewhere among the last ones, as confirms come.
            const number = window.next - happened;
            expect(window.delete(number)).toBe(map.delete(number));
          }
          expect([window.size, window.oldest]).toEqual([map.size, map.values().next().value]);
          for (const [number, item] of map) expect(window.get(number)).toBe(item);
        }
      }),
    );
  });

  it('keeps nothing of what was answered', () => {
    const window = new SendWindow<object>();
    for (let number = 0; number < 10_000; number++) {
      window.add({ number });
      if (number >= 64) window.delete(number - 64);
    }
    expect(window.size).toBe(64);
    expect((window as unknown as { items: unknown[] }).items.length).toBeLessThan(2 * 64 + 2);
  });
});
