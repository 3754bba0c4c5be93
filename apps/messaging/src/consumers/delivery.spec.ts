import type { ConsumeMessage, MessageProperties } from 'amqplib';
import { checkBody, type CheckedDelivery, readDelivery } from './delivery';

const tenantId = '0192f0c1-2345-7abc-8def-0123456789ab';
const messageId = '0192F0C1-2345-4ABC-8DEF-0123456789AC';
const now = new Date('2026-11-23T10:00:00.123Z');

function read(
  content: string | Buffer,
  properties: Partial<MessageProperties> = {},
  redelivered = false,
): CheckedDelivery {
  const message = { content: Buffer.from(content), fields: { redelivered }, properties };
  return checkBody(readDelivery(tenantId, message as ConsumeMessage, now));
}

describe('readDelivery', () => {
  it('takes the body as it came', () => {
    const delivery = read('{ "a": 1.0 }');
    expect(delivery).toMatchObject({ tenantId, text: '{ "a": 1.0 }', problem: undefined });
  });

  it.each([
    ['1,2', /not JSON/],
    ['', /not JSON/],
    ['{"a":', /not JSON/],
    ['\ufeff1', /not JSON/],
    [Buffer.from([0x22, 0xff, 0x22]), /not UTF-8/],
    ['"\\u0000"', /u0000/],
    ['"\\ud800"', /surrogate/],
    ['1e200000', /out of range/],
  ])('names what is wrong with %j', (body, problem) => {
    expect(read(body).problem).toMatch(problem);
  });

  it('takes the id, in lower case', () => {
    expect(read('1', { messageId }).id).toBe(messageId.toLowerCase());
  });

  it('gives the same id to the same other text, and a new one to none', () => {
    expect(read('1', { messageId: 'order 1' }).id).toBe(read('2', { messageId: 'order 1' }).id);
    expect(read('1', { messageId: 'order 1' }).id).not.toBe(read('1', { messageId: 'o2' }).id);
    expect(read('1').id).not.toBe(read('1').id);
  });

  it.each([
    [undefined, null, undefined],
    ['', null, undefined],
    ['order.created', 'order.created', undefined],
    ['👋'.repeat(100), '👋'.repeat(100), undefined],
    ['a\nb', 'a\nb', undefined],
    ['❤️'.repeat(51), '❤️'.repeat(51), /100 characters/],
    ['x'.repeat(101), 'x'.repeat(101), /100 characters/],
    ['a\0b', null, /u0000/],
  ])('reads the type %j', (type, expected, problem) => {
    const delivery = read('1', { type });
    expect(delivery.type).toBe(expected);
    if (problem) expect(delivery.problem).toMatch(problem);
    else expect(delivery.problem).toBeUndefined();
  });

  it.each([
    [{ headers: { 'x-accepted-at': 1_700_000_000_123 } }, '2023-11-14T22:13:20.123Z'],
    [{ timestamp: 1_700_000_000 }, '2023-11-14T22:13:20.000Z'],
    [{ headers: { 'x-accepted-at': 'yesterday' } }, now.toISOString()],
    [{ headers: { 'x-accepted-at': 1e18 } }, now.toISOString()],
    [{ headers: { 'x-accepted-at': -1 }, timestamp: NaN }, now.toISOString()],
    [{}, now.toISOString()],
  ])('reads when it was accepted from %j', (properties, expected) => {
    expect(read('1', properties).acceptedAt.toISOString()).toBe(expected);
  });

  it('counts the deliveries, this one included', () => {
    expect(read('1').attempts).toBe(1);
    expect(read('1', {}, true).attempts).toBe(2);
    expect(read('1', { headers: { 'x-delivery-count': 3 } }, true).attempts).toBe(4);
  });

  it.each([7, -1, 1.5, 1e18, 2 ** 31 - 1, '3', null, {}])(
    'does not count with a forged x-delivery-count of %j',
    (count) => {
      expect(read('1', { headers: { 'x-delivery-count': count } }).attempts).toBe(1);
    },
  );
});
