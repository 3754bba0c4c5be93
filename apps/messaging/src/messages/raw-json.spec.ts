import { parseKeepingPayloads, RawJson } from './raw-json';

const payloadOf = (text: string): string => {
  const { payload } = parseKeepingPayloads(`{"a":1,"payload":${text},"type":"t"}`) as {
    payload: RawJson;
  };
  return payload.text;
};

describe('parseKeepingPayloads', () => {
  it.each([
    'null',
    'true',
    '"text"',
    '"a \\" quote and a bracket ]}"',
    '"\\\\"',
    '1.0',
    '12345678901234567890.123456789',
    '1e400',
    '-0.0',
    '[]',
    '{}',
    '[1,[2,{"b":"]"}],"{"]',
    '{"payload":{"payload":[1]}}',
    '{"__proto__":{"a":1}}',
    '{ "spaced" : [ 1 , 2 ] }',
  ])('keeps %s as it came', (text) => {
    expect(payloadOf(text)).toBe(text);
    expect(payloadOf(` \n${text}\t `).trim()).toBe(text);
  });

  it('parses everything around the payloads', () => {
    const text =
      ' { "messages" : [ {"payload":[1 , 2]} , {"type":"x","payload":{"a":{}}} ] , "n" : -1.5e2 , "o":{},"l":[],"t":true,"z":null, "u":"\\u00e9\\"" } ';
    expect(parseKeepingPayloads(text)).toEqual({
      messages: [
        { payload: new RawJson('[1 , 2]') },
        { type: 'x', payload: new RawJson('{"a":{}}') },
      ],
      n: -150,
      o: {},
      l: [],
      t: true,
      z: null,
      u: 'é"',
    });
  });

  it('lets the last of equal names win, as JSON.parse does', () => {
    expect(parseKeepingPayloads('{"payload":1,"payload":2}')).toEqual({
      payload: new RawJson('2'),
    });
  });

  it('does not let __proto__ reach the prototype', () => {
    const parsed = parseKeepingPayloads('{"__proto__":{"polluted":true}}') as object;
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
    expect(Object.keys(parsed)).toEqual(['__proto__']);
  });

  it.each(['', '{', '{"payload":}', '{"payload":1,}', "{'payload':1}", '{"payload":01}', 'nul'])(
    'refuses %j',
    (text) => {
      expect(() => parseKeepingPayloads(text)).toThrow(SyntaxError);
    },
  );

  it('refuses an envelope that is nested for the sake of it', () => {
    expect(() => parseKeepingPayloads('['.repeat(1e5) + ']'.repeat(1e5))).toThrow(SyntaxError);
    expect(payloadOf('['.repeat(1e5) + ']'.repeat(1e5))).toHaveLength(2e5);
  });

  it('takes bodies that are no objects', () => {
    expect(parseKeepingPayloads('5')).toBe(5);
    expect(parseKeepingPayloads('[{"payload":1}]')).toEqual([{ payload: new RawJson('1') }]);
  });
});
