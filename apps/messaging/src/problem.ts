import { STATUS_CODES } from 'node:http';
import type { FieldError } from './invalid-input';

/** Every kind of error that the API answers with, its status and its title. */
export const problemKinds = {
  'invalid-input': [400, 'The request is not valid'],
  'malformed-json': [400, 'The body is not JSON'],
  'invalid-cursor': [400, 'The cursor is not valid'],
  'metrics-token': [401, 'The metrics need their token'],
  unauthorized: [401, 'A valid token is needed'],
  forbidden: [403, 'The token does not allow this'],
  'tenant-not-found': [404, 'There is no such tenant'],
  'message-not-found': [404, 'There is no such message'],
  'dead-letter-not-found': [404, 'There is no such dead letter'],
  'request-timeout': [408, 'The request came too slowly'],
  'tenant-name-taken': [409, 'The name is taken'],
  'message-too-large': [413, 'The message is too large'],
  'unsupported-media-type': [415, 'The body has the wrong type'],
  'rate-limited': [429, 'Too many messages a second'],
  'backlog-full': [429, 'Too many messages wait'],
  'tokens-not-issued': [501, 'No tokens are issued here'],
  'broker-unavailable': [503, 'Messages cannot be accepted now'],
  'database-unavailable': [503, 'The database is not available now'],
  'key-server-unavailable': [503, 'Tokens cannot be checked now'],
  stopping: [503, 'This process is stopping'],
  'not-ready': [503, 'Not ready'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ProblemKind = keyof typeof problemKinds;

/** https://www.rfc-editor.org/rfc/rfc9457 */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly request_id: string;
  readonly errors?: readonly FieldError[];
  readonly [extension: string]: unknown;
}

export type ProblemBody = Pick<Problem, 'type' | 'title' | 'status' | 'detail'> & {
  readonly [extension: string]: unknown;
};

const KIND_PREFIX = 'urn:messaging:problem:';

export function problemOf(kind: ProblemKind, detail: string, more: object = {}): ProblemBody {
  const [status, title] = problemKinds[kind];
  return { type: `${KIND_PREFIX}${kind}`, title, status, detail, ...more };
}

/** Why a call is refused, in one word of a few: the problem's kind, or its status when it has none. */
export const reasonOf = ({ type, status }: ProblemBody): string =>
  type.startsWith(KIND_PREFIX) ? type.slice(KIND_PREFIX.length) : `status-${status}`;

export const PROBLEM_TYPE = 'application/problem+json' as const;

/** Completes a problem with the request that it answers. */
export function asProblem(body: ProblemBody, request: { url: string; id: string }): Problem {
  return { ...body, instance: request.url, request_id: request.id };
}

/** A problem that says no more than its HTTP status does. */
export function plainProblem(status: number, detail: string): ProblemBody {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail };
}
