import 'reflect-metadata';
import { ValidationPipe } from '@nestjs/common';
import fc from 'fast-check';
import { Validation } from '../validation.pipe';
import { MessageBatchInput } from './dto/message-input.dto';
import { isPlainBatch } from './plain-batch';
import { RawJson } from './raw-json';

const anything = fc.jsonValue({ maxDepth: 2 });
const rarely = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 30, arbitrary: value }, { weight: 1, arbitrary: anything });

const payload = fc
  .oneof(
    { weight: 30, arbitrary: fc.json() },
    { weight: 1, arbitrary: fc.constantFrom('"\\u0000"', '"\\ud800"', '1e999999999') },
  )
  .map((text) => new RawJson(text));
const type = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom('order.created', null) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 120 }) },
);
const key = fc.oneof(
  { weight: 9, arbitrary: fc.constant('order-1042') },
  { weight: 1, arbitrary: fc.string({ maxLength: 250 }) },
);
const message = fc.record(
  { payload: rarely(payload), type: rarely(type), idempotency_key: rarely(key) },
  { requiredKeys: ['payload'] },
);
const body = fc
  .record({ messages: rarely(fc.array(rarely(message), { maxLength: 5 })), more: anything })
  .chain(({ messages, more }) =>
    fc.constantFrom<unknown>({ messages }, { messages }, { messages, more }, more),
  );

/** Written apart, so that classes do not tell them apart. */
const written = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('a batch that is plain at a glance', () => {
  const validation = new Validation();
  /** What the validator says, without a glance before. */
  const closerLook = (value: unknown): Promise<unknown> =>
    ValidationPipe.prototype.transform.call(validation, value, {
      type: 'body',
      metatype: MessageBatchInput,
    });

  it('is what the validator finds valid, and gives the same', async () => {
    let plain = 0;
    await fc.assert(
      fc.asyncProperty(body, async (value) => {
        if (!isPlainBatch(value)) return;
        plain++;
        const before = written(value);
        expect(written(await closerLook(value))).toEqual(before);
      }),
      { numRuns: 3_000 },
    );
    expect(plain).toBeGreaterThan(300);
  });

  it.each([
    ['a type in another script', { payload: new RawJson('1'), type: 'заказ' }],
    ['a type that begins with a space', { payload: new RawJson('1'), type: ' order' }],
  ])('need not be: %s', async (_, valid) => {
    expect(isPlainBatch({ messages: [valid] })).toBe(false);
    await expect(closerLook({ messages: [valid] })).resolves.toBeDefined();
  });
});
