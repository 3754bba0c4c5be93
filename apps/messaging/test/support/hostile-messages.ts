import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { Options } from 'amqplib';
import fc from 'fast-check';

export interface HostileMessage {
  readonly body: Buffer;
  readonly options: Options.Publish;
}

const MEGABYTE = 2 ** 20;
const text = (value: string, encoding: BufferEncoding = 'utf8'): Buffer =>
  Buffer.from(value, encoding);

const BODIES: readonly Buffer[] = [
  text(''),
  text('null'),
  text('{"a":"é"}'),
  text('{"a":"é"}', 'latin1'),
  text('{"a":"é"}', 'utf16le'),
  text('\ufeff{"a":1}', 'utf16le'),
  text('\ufeff1'),
  gzipSync('{"a":1}'),
  text(JSON.stringify('x'.repeat(MEGABYTE))),
  text('x'.repeat(MEGABYTE)),
  Buffer.alloc(MEGABYTE),
  text('{"__proto__":{"a":1},"constructor":2}'),
  text('1e400000'),
  text('"\\u0000"'),
];

/** A value of every type that a table of AMQP can hold, and what our own headers must not be. */
const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  2 ** 31,
  -(2 ** 31),
  2 ** 53,
  1e300,
  '',
  'text',
  '\0',
  '-1',
  'x'.repeat(10_000),
  Buffer.from([0xff, 0x00]),
  [],
  [1, 'two', null, [true]],
  {},
  { a: { b: { c: [1] } } },
  { toString: 'x', valueOf: 'x' },
  { '!': 'byte', value: -128 },
  { '!': 'short', value: -1 },
  { '!': 'int', value: 2 ** 31 - 1 },
  { '!': 'long', value: 2 ** 40 },
  { '!': 'float', value: 0.5 },
  { '!': 'double', value: -1e300 },
  { '!': 'timestamp', value: 2 ** 52 },
  { '!': 'decimal', value: { digits: 12_345, places: 2 } },
];

const HEADERS = [
  'anything',
  'x-death',
  'x-delivery-count',
  'x-accepted-at',
  'x-first-death-queue',
  'x-acquired-count',
  'traceparent',
  'tracestate',
  'baggage',
  '__proto__',
  'constructor',
  'x'.repeat(100),
];

const IDS = ['', ' ', 'no UUID', '\0', '👋'.repeat(60), 'é', '../..', "'; DROP TABLE messages; --"];
const TRACES = [
  '00-',
  '00-0-0-0',
  `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`,
  '\0',
  'ff'.repeat(99),
];

const PROPERTIES: readonly Options.Publish[] = [
  ...['', '\0', 'x'.repeat(255), '👋'.repeat(60)].map((type) => ({ type })),
  ...[0, 1, 2 ** 31, 2 ** 53 - 1].map((timestamp) => ({ timestamp })),
  ...[0, 9, 255].map((priority) => ({ priority })),
  ...['1', '60000', '4294967295'].map((expiration) => ({ expiration })),
  ...['', 'nobody', 'messaging.dead-letters', '\0'].map((replyTo) => ({ replyTo })),
  ...['gzip', 'utf-16', '\0'].map((contentEncoding) => ({ contentEncoding })),
  ...['text/xml', 'nonsense'].map((contentType) => ({ contentType })),
  { deliveryMode: 1 },
  { correlationId: 'x'.repeat(255), appId: '\0' },
  ...TRACES.map((traceparent) => ({ headers: { traceparent } })),
];

/** Each header with each type of value, each body, each odd property and id. */
function everyOne(tenantId: string): HostileMessage[] {
  const fine = text('{"fine":true}');
  const headers = HEADERS.flatMap((name) =>
    VALUES.map((value) => ({ body: fine, options: { headers: table([[name, value]]) } })),
  );
  const bodies = BODIES.map((body) => ({ body, options: {} }));
  const properties = PROPERTIES.map((options) => ({ body: fine, options }));
  const ids = IDS.map((messageId) => ({ body: fine, options: { messageId } }));
  const deaths = forgedDeaths(tenantId).map((death) => ({
    body: fine,
    options: { headers: { 'x-death': death } },
  }));
  return [...headers, ...bodies, ...properties, ...deaths].map(withId).concat(ids);
}

/** `amount` more that are put together at random. */
function mixtures(seed: number, amount: number): HostileMessage[] {
  const headers = fc
    .array(fc.tuple(fc.constantFrom(...HEADERS), fc.constantFrom(...VALUES)), { maxLength: 5 })
    .map(table);
  const body = fc.oneof(
    fc.constantFrom(...BODIES.filter(({ length }) => length < MEGABYTE)),
    fc.json().map((json) => text(json)),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  );
  const message = fc
    .tuple(body, fc.constantFrom(...PROPERTIES), headers)
    .map(([body, properties, headers]) => ({ body, options: { ...properties, headers } }));
  return fc.sample(message, { seed, numRuns: amount }).map(withId);
}

export const hostileMessages = (tenantId: string, seed: number): HostileMessage[] => [
  ...everyOne(tenantId),
  ...mixtures(seed, 500),
];

/** What may stand in `x-death`; the first ones say that they died in the tenant's queue. */
export function forgedDeaths(tenantId: string): unknown[] {
  const queue = `tenant_${tenantId}_queue`;
  const reasons = ['delivery_limit', 'rejected', '\0', 'x'.repeat(5_000), 5, null, {}, []];
  const ours = [...reasons, { toString: 'x', valueOf: 'x' }].map((reason) => [{ queue, reason }]);
  const nobodys = [
    `tenant_${'-'.repeat(36)}_queue`,
    `tenant_${randomUUID()}_queue`,
    'x',
    5,
    null,
    {},
  ];
  return [...ours, ...nobodys.map((name) => [{ queue: name, reason: 'rejected' }]), ...VALUES];
}

/** What expires before anybody takes it, whatever it says of its deaths. */
export const expiringMessages = (tenantId: string): HostileMessage[] =>
  [undefined, ...forgedDeaths(tenantId)].map((death) =>
    withId({ body: text('1'), options: { expiration: '1', headers: table([['x-death', death]]) } }),
  );

const withId = (message: HostileMessage): HostileMessage => ({
  ...message,
  options: { ...message.options, messageId: randomUUID() },
});

const OWN = { enumerable: true, configurable: true, writable: true };

/** Not a literal, and not assigned: there `__proto__` would be no name of a header. */
function table(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const headers: Record<string, unknown> = {};
  for (const [name, value] of entries) Object.defineProperty(headers, name, { value, ...OWN });
  return headers;
}

/** What a control event may be that is none. */
export function hostileEvents(tenantId: string): Buffer[] {
  const patterns = ['tenant.changed', 'tenants.released', 'unknown', '', null, 5, {}, 'toString'];
  const data = [undefined, null, 5, 'x', [], {}, { tenant_id: null }, { tenant_id: 'no UUID' }];
  const odd = [
    { tenant_id: [tenantId] },
    { tenant_id: { toString: 1 } },
    { tenant_id: randomUUID() },
  ];
  const packets = patterns.flatMap((pattern) =>
    [...data, ...odd].flatMap((some) => [
      { pattern, data: some },
      { pattern, data: some, id: 'asks for an answer' },
    ]),
  );
  const shapes = [null, 5, 'x', [], {}, [1], { data: 1 }, { __proto__: null }, { id: 1 }];
  const bytes = [text('not JSON'), text('{'), ...BODIES, text('['.repeat(50_000))];
  return [...bytes, ...[...packets, ...shapes].map((value) => text(JSON.stringify(value)))];
}
