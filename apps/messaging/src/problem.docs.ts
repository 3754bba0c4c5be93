import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, ApiResponse } from '@nestjs/swagger';
import { PROBLEM_TYPE, type ProblemKind, problemKinds, problemOf } from './problem';
import { QUOTA_HEADERS } from './tenants/limits/quota.docs';

class FieldErrorResponse {
  @ApiProperty({ example: 'workers' })
  field!: string;

  @ApiProperty({ example: 'must be at least 1' })
  message!: string;
}

/** How every error is answered. */
export class ProblemResponse {
  @ApiProperty({ example: 'urn:messaging:problem:invalid-input' })
  type!: string;

  @ApiProperty({ example: 'The request is not valid' })
  title!: string;

  @ApiProperty({ type: 'integer', example: 400 })
  status!: number;

  @ApiProperty({ example: 'workers must be at least 1' })
  detail!: string;

  @ApiProperty({ example: '/api/tenants' })
  instance!: string;

  @ApiProperty({ example: '019aa0e4-5b7c-7c1e-9f43-0d2c5a7b9e10' })
  request_id!: string;

  @ApiPropertyOptional({ type: [FieldErrorResponse] })
  errors?: FieldErrorResponse[];
}

const TENANT = '019aa0e4-5b7c-7c1e-9f43-0d2c5a7b9e10';

/** What a caller reads in each case. */
const details: Readonly<Record<ProblemKind, string>> = {
  'invalid-input': 'workers must be at least 1',
  'malformed-json': 'The body is not valid JSON: Unexpected end of JSON input',
  'invalid-cursor': 'The cursor is not one that this list gave out',
  'metrics-token': 'Send Authorization: Bearer with the token of this service',
  unauthorized: 'The token has expired',
  forbidden: 'This call needs a token with the scope admin',
  'tenant-not-found': `There is no tenant ${TENANT}`,
  'message-not-found': `Tenant ${TENANT} has no stored message ${TENANT}`,
  'dead-letter-not-found': `Tenant ${TENANT} has no dead letter ${TENANT}`,
  'request-timeout': 'The request did not arrive in time',
  'tenant-name-taken': 'The name "acme" is taken; choose another one',
  'message-too-large': 'A payload has 300000 bytes; at most 262144 are taken',
  'unsupported-media-type': 'Unsupported Media Type: text/plain; send application/json',
  'rate-limited': 'The tenant may send 100 messages a second; try again in 1 s',
  'backlog-full': '1000 messages of the tenant wait, of 1000 that may; try again in 1 s',
  'tokens-not-issued':
    'This service signs no tokens, since no JWT_SECRET is set; ask who signs yours',
  'broker-unavailable': 'The broker is unavailable: not connected',
  'database-unavailable': 'The database does not answer; try again',
  'key-server-unavailable': 'The key that signed the token cannot be looked up now; try again',
  stopping: 'This process is stopping; try again, and another one answers',
  'not-ready': 'Down: broker',
};

const fields: Partial<Record<ProblemKind, object>> = {
  'invalid-input': { errors: [{ field: 'workers', message: 'must be at least 1' }] },
  'invalid-cursor': { errors: [{ field: 'cursor', message: details['invalid-cursor'] }] },
  'not-ready': { checks: { broker: { status: 'down', reason: 'not connected' } } },
};

function example(kind: ProblemKind): object {
  const place = { instance: '/api/tenants', request_id: TENANT };
  return { ...problemOf(kind, details[kind]), ...place, ...fields[kind] };
}

/** Documents the problems that a call answers with, with an example of each. */
export function ApiProblems(...kinds: ProblemKind[]): MethodDecorator & ClassDecorator {
  const statuses = [...new Set(kinds.map((kind) => problemKinds[kind][0]))];
  return applyDecorators(
    ...statuses.map((status) => {
      const ofStatus = kinds.filter((kind) => problemKinds[kind][0] === status);
      return ApiResponse({ status, ...problemResponse(status, ofStatus) });
    }),
  );
}

export interface DocumentedProblem {
  description: string;
  readonly content: Record<
    typeof PROBLEM_TYPE,
    { readonly schema: { $ref: string }; readonly examples: Record<string, { value: object }> }
  >;
  readonly headers?: typeof RETRY_AFTER | typeof WWW_AUTHENTICATE;
}

/** An answer of the OpenAPI document. */
export function problemResponse(status: number, kinds: readonly ProblemKind[]): DocumentedProblem {
  const examples = kinds.map((kind) => [kind, { summary: kind, value: example(kind) }] as const);
  return {
    description: kinds.map((kind) => problemKinds[kind][1]).join(', or: '),
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/ProblemResponse' },
        examples: Object.fromEntries(examples),
      },
    },
    ...(status === 503 && { headers: RETRY_AFTER }),
    ...(status === 429 && { headers: { ...RETRY_AFTER, ...QUOTA_HEADERS } }),
    ...(status === 401 && { headers: WWW_AUTHENTICATE }),
  };
}

const WWW_AUTHENTICATE = {
  'WWW-Authenticate': {
    description: 'How to get in.',
    schema: { type: 'string' as const },
    example: 'Bearer realm="messaging", error="invalid_token"',
  },
};

const RETRY_AFTER = {
  'Retry-After': {
    description: 'Seconds to wait.',
    schema: { type: 'integer' as const },
    example: 1,
  },
};
