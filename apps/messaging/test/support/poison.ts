import { randomUUID } from 'node:crypto';
import type { Publication } from './tenant-group';

const utf8 = (text: string): Buffer => Buffer.from(text, 'utf8');

/** What can never be stored, each for a reason of its own. */
const BODIES: readonly Buffer[] = [
  utf8(''),
  utf8(' '),
  utf8('not JSON'),
  utf8('{"open": '),
  utf8("{'single': 'quotes'}"),
  // Joined into one JSON array with others, these would be valid, and shift or merge their payloads.
  utf8('1,2'),
  utf8('"abc'),
  utf8('def"'),
  utf8('1],[2'),
  utf8('{"a":1},{"b":2}'),
  utf8('/* comment */ 1'),
  utf8('\ufeff"byte order mark"'),
  utf8('NaN'),
  utf8('"raw \u0000 character"'),
  utf8('\u0000'),
  // JSON, but not for jsonb.
  utf8('"escaped \\u0000 character"'),
  utf8('{"name \\u0000": 1}'),
  utf8('"high surrogate alone \\ud83d"'),
  utf8('"low surrogate first \\udc4b\\ud83d"'),
  utf8('1e999999'),
  utf8('[1e-999999]'),
  utf8('['.repeat(20_000) + ']'.repeat(20_000)),
  // No UTF-8.
  Buffer.from([0x22, 0xff, 0xfe, 0x22]),
  Buffer.from([0x22, 0xc3, 0x22]),
  // A surrogate, encoded as if it were a character.
  Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
];

/** One of each, and a type that is too long. */
export function poison(tenantId: string): Publication[] {
  const bodies = BODIES.map((body) => ({ tenantId, body, options: { messageId: randomUUID() } }));
  const options = { messageId: randomUUID(), type: 'x'.repeat(200) };
  return [...bodies, { tenantId, body: '"a fine body"', options }];
}
