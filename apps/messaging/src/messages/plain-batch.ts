import {
  type BatchMessageInput,
  IDEMPOTENCY_KEY,
  type MessageBatchInput,
} from './dto/message-input.dto';
import { jsonbProblem } from './jsonb';
import { RawJson } from './raw-json';

/** Types that need no closer look; others may be fine as well. */
const PLAIN_TYPE = /^[\x21-\x7e][\x20-\x7e]{0,99}$/;

const FIELDS: readonly (keyof BatchMessageInput)[] = ['payload', 'type', 'idempotency_key'];

/**
 * Whether a body is a valid {@link MessageBatchInput} at a glance, as most are. When it says no, the
 * validator has the last word, and the words for what is wrong; asking it about a hundred messages takes
 * a third of their call's time. How many there may be, the envelope was checked for.
 */
export function isPlainBatch(body: unknown): body is MessageBatchInput {
  if (!isObject(body) || !hasOnly(body, ['messages'])) return false;
  const { messages } = body;
  return Array.isArray(messages) && messages.length > 0 && messages.every(isPlainMessage);
}

function isPlainMessage(message: unknown): boolean {
  if (!isObject(message) || !hasOnly(message, FIELDS)) return false;
  const { payload, type = null, idempotency_key: key } = message;
  return (
    payload instanceof RawJson &&
    jsonbProblem(payload.text) === undefined &&
    (type === null || isMatch(PLAIN_TYPE, type)) &&
    (key === undefined || isMatch(IDEMPOTENCY_KEY, key))
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

function hasOnly(object: object, names: readonly string[]): boolean {
  for (const name in object) if (!names.includes(name)) return false;
  return true;
}

const isMatch = (pattern: RegExp, value: unknown): boolean =>
  typeof value === 'string' && pattern.test(value);
