import { isUtf8 } from 'node:buffer';
import { uuidIn } from '@app/paging';
import type { ConsumeMessage } from 'amqplib';
import { uuidv7 } from 'uuidv7';
import type { DeadLetterRow } from '../dead-letters/dead-letter.store';
import { LABEL_LENGTH } from '../label';
import { jsonbProblem } from '../messages/jsonb';
import { ACCEPTED_AT, LONG_TYPE } from '../messages/message-headers';
import { keyedId } from '../messages/message-id';
import type { MessageRow } from '../messages/message.store';

/** One more still fits into the database's integer. */
const MOST_DELIVERIES = 2 ** 31 - 1;

/** A message as a tenant's queue delivered it. Whose it is, the queue says, and nothing in it. */
export interface Delivery {
  readonly tenantId: string;
  readonly id: string;
  readonly type: string | null;
  readonly body: Buffer;
  /** {@link receivedAt} itself when it brought no time. */
  readonly acceptedAt: Date;
  readonly receivedAt: Date;
  /** Its headers, when the context of a trace is among them. */
  readonly traceHeaders: object | undefined;
  /** How often it was delivered, this time included. */
  readonly attempts: number;
  /** Why it can never be stored, as far as it was looked at. */
  readonly problem: string | undefined;
}

/** A delivery whose body was looked at as well. */
export interface CheckedDelivery extends Delivery {
  /** The body as text; not fit to be stored when there is a problem. */
  readonly text: string;
}

/**
 * Reads what came from the wire; anything may have: other services publish to the exchange too. The body is
 * not looked at: one that takes the process's memory would never be found to come too often.
 */
export function readDelivery(tenantId: string, message: ConsumeMessage, now: Date): Delivery {
  const { content: body, properties } = message;
  const { type, problem } = readType(properties.headers?.[LONG_TYPE] ?? properties.type);
  return {
    tenantId,
    id: readId(tenantId, properties.messageId),
    type,
    body,
    acceptedAt: readAcceptedAt(message, now),
    receivedAt: now,
    traceHeaders: readTraceHeaders(message),
    attempts: readAttempts(message),
    problem,
  };
}

/**
 * Looks at the body, which may take memory many times its size for a moment. To spread the delivery would
 * take as long as to parse a body.
 */
export function checkBody(delivery: Delivery): CheckedDelivery {
  const { tenantId, id, type, body, acceptedAt, receivedAt, traceHeaders, attempts } = delivery;
  const text = body.toString();
  const problem = bodyProblem(body, text) ?? delivery.problem;
  return {
    tenantId,
    id,
    type,
    body,
    acceptedAt,
    receivedAt,
    traceHeaders,
    attempts,
    problem,
    text,
  };
}

export function messageRow({ tenantId, id, type, text, acceptedAt }: CheckedDelivery): MessageRow {
  return { tenantId, id, type, payload: text, acceptedAt };
}

/** What is wrong with a body may be told with a piece of it, and PostgreSQL's text holds no NUL. */
export function deadLetterRow(delivery: Delivery, reason: string): DeadLetterRow {
  const { tenantId, id, type, body, attempts, acceptedAt } = delivery;
  const printable = reason.replaceAll('\0', '\\u0000');
  return { tenantId, id, type, body, reason: printable, attempts, acceptedAt };
}

/**
 * Every body must be one JSON value by itself: rows are joined into one array, where `1,2` would be
 * two, and shift the payloads of all that follow to somebody else.
 */
function bodyProblem(body: Buffer, text: string): string | undefined {
  if (!isUtf8(body)) return 'The body is not UTF-8';
  try {
    JSON.parse(text);
  } catch (error) {
    return `The body is not JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
  const problem = jsonbProblem(text);
  return problem && `The body ${problem}`;
}

/** A UUID is the id; any other text stands for one, so that it is stored once all the same. */
function readId(tenantId: string, messageId: unknown): string {
  if (typeof messageId !== 'string' || messageId === '') return uuidv7();
  return uuidIn(messageId) ?? keyedId(tenantId, messageId);
}

function readType(type: unknown): { type: string | null; problem?: string } {
  if (typeof type !== 'string' || type === '') return { type: null };
  if (type.includes('\0')) return { type: null, problem: 'The type holds the character \\u0000' };
  return LABEL_LENGTH.test(type)
    ? { type }
    : { type, problem: 'The type has more than 100 characters' };
}

/** Our own publisher's milliseconds, or AMQP's `timestamp` in seconds, or now. */
function readAcceptedAt({ properties }: ConsumeMessage, now: Date): Date {
  const { [ACCEPTED_AT]: ours } = properties.headers ?? {};
  const seconds: unknown = properties.timestamp;
  const candidates = [ours, typeof seconds === 'number' ? seconds * 1000 : undefined];
  const milliseconds = candidates.find(isInstant);
  return milliseconds === undefined ? now : new Date(milliseconds);
}

/** Up to the year 9999, which every reader of RFC 3339 understands. */
const isInstant = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 253_402_300_800_000;

/** Whether it is a context at all is asked only where traces are on. */
function readTraceHeaders({ properties: { headers } }: ConsumeMessage): object | undefined {
  return headers?.['traceparent'] === undefined ? undefined : headers;
}

/**
 * Quorum queues count the deliveries before this one; classic queues only tell that there were. At the
 * first one, what looks like a count is the publisher's.
 */
function readAttempts(message: ConsumeMessage): number {
  return message.fields.redelivered ? (deliveryCount(message) ?? 1) + 1 : 1;
}

/** Whether it came back from a queue that does not count how often. */
export function isUncounted(message: ConsumeMessage): boolean {
  return message.fields.redelivered && deliveryCount(message) === undefined;
}

/** A publisher may have set it to anything; what no queue would count to is none. */
function deliveryCount({ properties }: ConsumeMessage): number | undefined {
  const count: unknown = properties.headers?.['x-delivery-count'];
  return isCount(count) ? count : undefined;
}

const isCount = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < MOST_DELIVERIES;
