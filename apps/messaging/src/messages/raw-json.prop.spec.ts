import fc from 'fast-check';
import { parseKeepingPayloads, RawJson } from './raw-json';

/** Any JSON value, written with and without white space, names like `__proto__` among them. */
const payload = fc
  .tuple(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t'))
  .map(([value, space]) => JSON.stringify(value, undefined, space));
const name = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'payload '));
const others = fc.array(fc.tuple(name, fc.jsonValue({ maxDepth: 3 })), { maxLength: 5 });

const written = (value: unknown): string => JSON.stringify(value);

describe('parseKeepingPayloads, for any JSON', () => {
  it('keeps the text of a payload', () => {
    fc.assert(
      fc.property(payload, others, (text, entries) => {
        const before = entries.map(
          ([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`,
        );
        const body = `{ ${[...before, `"payload": ${text}`].join(' , ')} }`;
        const parsed = parseKeepingPayloads(body) as { payload: RawJson };
        expect(parsed.payload).toEqual(new RawJson(text));
      }),
      { numRuns: 1_000 },
    );
  });

  it('reads everything else as JSON.parse does', () => {
    const noPayload = fc.json({ maxDepth: 8 }).filter((text) => !text.includes('"payload"'));
    fc.assert(
      fc.property(noPayload, (text) => {
        expect(written(parseKeepingPayloads(text))).toBe(written(JSON.parse(text)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('refuses what JSON.parse refuses', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 2 }), (text, at, put) => {
        const cut = at % (text.length + 1);
        const broken = text.slice(0, cut) + put + text.slice(cut + 1);
        expect(throws(() => parseKeepingPayloads(broken))).toBe(
          throws(() => JSON.parse(broken) as unknown),
        );
      }),
      { numRuns: 1_000 },
    );
  });
});

function throws(parse: () => unknown): boolean {
  try {
    parse();
    return false;
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxError);
    return true;
  }
}
