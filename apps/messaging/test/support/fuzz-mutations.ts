import fc from 'fast-check';
import type { FuzzRequest } from './fuzz-request';

type Mutation = (request: FuzzRequest) => FuzzRequest;

const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'id',
  '',
  '\0',
  '👋',
  'a.b',
];

const HOSTILE: readonly unknown[] = [
  null,
  true,
  '',
  ' ',
  '\0',
  '\ud800',
  '👋'.repeat(101),
  'x'.repeat(101),
  'x'.repeat(10_000),
  '5',
  0,
  -1,
  -0,
  1.5,
  2 ** 31,
  2 ** 53,
  1e300,
  [],
  [[]],
  [null],
  {},
  { length: 5 },
  { toString: 1, valueOf: 1 },
  Array.from({ length: 1_001 }, () => ({ payload: 1 })),
];

/** JSON that `JSON.stringify` would not write, and what is none. */
const BODIES: readonly string[] = [
  '',
  ' ',
  'null',
  '{',
  '{"name":',
  '{"name":"a"} x',
  "{'name':'a'}",
  '{"name":NaN}',
  '{"name":1e999999}',
  '{"payload":1e999999}',
  '{"payload":"\\u0000"}',
  '{"payload":"\\ud800"}',
  '{"payload":1,"payload":2}',
  '{"__proto__":{"payload":1}}',
  '{"messages":{"length":3}}',
  '\ufeff{}',
  '['.repeat(100_000),
  `{"payload":${'['.repeat(5_000)}${']'.repeat(5_000)}}`,
  `{"payload":${'9'.repeat(50_000)}}`,
  `{"payload":${'{"a":'.repeat(3_000)}1${'}'.repeat(3_000)}}`,
  `{"payload":"${'x'.repeat(400_000)}"}`,
];

const TYPES = [
  'text/plain',
  'application/xml',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json; charset=utf-16',
  'application/json;',
  'APPLICATION/JSON',
  'application/vnd.api+json',
  'nonsense',
  ';',
  '/',
];

const HEADERS: readonly (readonly [string, string])[] = [
  ['x-request-id', '<script>'],
  ['x-request-id', 'x'.repeat(500)],
  ['idempotency-key', ' '],
  ['idempotency-key', 'x'.repeat(201)],
  ['idempotency-key', '\xe9'],
  ['accept', 'text/html'],
  ['accept-encoding', 'br;q=x'],
  ['content-encoding', 'gzip'],
  ['authorization', 'Bearer nonsense'],
  ['traceparent', '00-nonsense'],
  ['x-http-method-override', 'DELETE'],
  ['x-forwarded-for', 'nobody'],
  ['range', 'bytes=9-1'],
  ['if-none-match', '*'],
  ['cookie', '='.repeat(100)],
  ['accept-version', '9.9.9'],
  ['host', ''],
  ['x-large', 'x'.repeat(20_000)],
];

/** As they stand in the path, encoded or not so well. */
const SEGMENTS = [
  '',
  '.',
  '..',
  '%',
  '%00',
  '%ff',
  '%2e%2e%2f',
  '__proto__',
  '*',
  ':id',
  'x;y',
  '%F0%9F%91%8B',
].concat(
  'x'.repeat(300),
  'long/'.repeat(500),
  '0'.repeat(36),
  '00000000-0000-0000-0000-000000000000',
);

const VALUES = [
  '',
  ' ',
  '0',
  '-1',
  '201',
  '1e2',
  '1.5',
  'x',
  '\0',
  '👋',
  '9'.repeat(400),
  'x'.repeat(3_000),
];

/** Methods that no operation here has, or that change nothing. */
const METHODS = ['PUT', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND', 'QUERY'];

/** One way to bend a request, or two. */
export function mutation(cursors: readonly string[]): fc.Arbitrary<Mutation> {
  const one = fc.oneof(
    { weight: 5, arbitrary: field() },
    { weight: 2, arbitrary: fc.constantFrom(...HOSTILE).map(wholeBody) },
    { weight: 2, arbitrary: fc.jsonValue().map(wholeBody) },
    { weight: 3, arbitrary: fc.constantFrom(...BODIES).map(rawBody) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => rawBody(bytes)) },
    { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }).map(cutOff) },
    { weight: 1, arbitrary: fc.constantFrom(...TYPES).map((type) => header('content-type', type)) },
    { weight: 2, arbitrary: fc.constantFrom(...HEADERS).map((pair) => header(...pair)) },
    { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...SEGMENTS), fc.nat()).map(segment) },
    { weight: 4, arbitrary: queries(cursors) },
    { weight: 1, arbitrary: fc.constantFrom(...METHODS).map(method) },
  );
  return fc
    .array(one, { minLength: 1, maxLength: 2 })
    .map((all) => (request) => all.reduce((bent, bend) => bend(bent), request));
}

/** A field of the body, at any depth: of another type, gone, or one too many. */
function field(): fc.Arbitrary<Mutation> {
  const value = fc.oneof(fc.constantFrom(...HOSTILE), fc.jsonValue(), fc.constant(undefined));
  const change = fc.tuple(fc.nat(), fc.constantFrom(...NAMES), value, fc.boolean());
  return change.map(([nth, name, other, extra]) => (request) => {
    if (typeof request.json !== 'object' || request.json === null) return request;
    const json = structuredClone(request.json);
    const places = placesIn(json);
    const [holder, key] = places[nth % Math.max(1, places.length)] ?? [json, name];
    define(holder, extra ? name : key, other);
    return { ...request, json };
  });
}

function placesIn(value: unknown): [object, string][] {
  if (typeof value !== 'object' || value === null) return [];
  const own = Object.entries(value).flatMap(([key, inner]: [string, unknown]) => [
    [value, key] as [object, string],
    ...placesIn(inner),
  ]);
  return own;
}

/** Not an assignment, which `__proto__` would take for another thing. */
function define(holder: object, key: string, value: unknown): void {
  if (Array.isArray(holder) && !/^\d+$/.test(key)) return;
  const settings = { value, enumerable: true, configurable: true, writable: true };
  Object.defineProperty(holder, key, settings);
}

/** A body that its operation does not take is answered before it. */
const wholeBody =
  (json: unknown): Mutation =>
  (request) => ({ ...request, json, routed: request.routed && takesBody(request) });

const rawBody =
  (raw: string | Uint8Array): Mutation =>
  (request) => ({
    ...request,
    raw: Buffer.from(raw as string),
    routed: request.routed && takesBody(request),
  });

const takesBody = ({ json, raw }: FuzzRequest): boolean => json !== undefined || raw !== undefined;

const cutOff =
  (share: number): Mutation =>
  (request) => {
    if (request.json === undefined) return request;
    const whole = Buffer.from(JSON.stringify(request.json));
    return { ...request, raw: whole.subarray(0, Math.floor(whole.byteLength * share)) };
  };

const header =
  (name: string, value: string): Mutation =>
  (request) => ({ ...request, headers: { ...request.headers, [name]: value }, routed: false });

const segment =
  ([value, nth]: [string, number]): Mutation =>
  (request) => {
    const names = Object.keys(request.path);
    const name = names[nth % Math.max(1, names.length)];
    if (name === undefined) return request;
    return { ...request, path: { ...request.path, [name]: value }, routed: false };
  };

const method =
  (other: string): Mutation =>
  (request) => ({ ...request, method: other, routed: false });

function queries(cursors: readonly string[]): fc.Arbitrary<Mutation> {
  const name = fc.constantFrom('limit', 'cursor', 'order', 'limit[]', 'limit.x', ...NAMES);
  const value = fc.oneof(fc.constantFrom(...VALUES), fc.string(), bentCursor(cursors));
  const pairs = fc.array(fc.tuple(name, value), { minLength: 1, maxLength: 3 });
  return fc.tuple(pairs, fc.boolean()).map(([more, twice]) => (request) => {
    const query = [...request.query, ...more, ...(twice ? more : [])];
    return { ...request, query };
  });
}

/** One byte of it is another, it is shorter or longer, or it is another list's. */
function bentCursor(cursors: readonly string[]): fc.Arbitrary<string> {
  const parts = fc.tuple(fc.constantFrom(...cursors), fc.nat(), fc.nat(255), fc.nat(3));
  return parts.map(([cursor, place, byte, kind]) => {
    const bytes = Buffer.from(cursor, 'base64url');
    if (kind === 0) return cursor;
    if (kind === 1) return cursor.slice(0, place % cursor.length);
    if (kind === 2) return `${cursor}${cursor}`;
    bytes[place % bytes.byteLength] = byte;
    return bytes.toString('base64url');
  });
}
