import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { InvalidInput } from '../invalid-input';
import { IDEMPOTENCY_KEY } from './dto/message-input.dto';

const HEADER = 'Idempotency-Key';

function header(context: ExecutionContext): string | undefined {
  const { headers } = context.switchToHttp().getRequest<FastifyRequest>();
  const value = headers['idempotency-key'];
  return Array.isArray(value) ? value.join(',') : value;
}

/** The header's value, checked; undefined without it. */
export const IdempotencyKey = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const key = header(context);
  if (key === undefined || IDEMPOTENCY_KEY.test(key)) return key;
  const message = 'must have 1 to 200 visible ASCII characters';
  throw new InvalidInput([{ field: HEADER, message }]);
});

/** A batch's messages carry their keys themselves: one key for all would be a trap. */
export const NoIdempotencyKey = createParamDecorator((_: unknown, context: ExecutionContext) => {
  if (header(context) === undefined) return;
  const message = 'is for single messages; give each message of the batch an idempotency_key';
  throw new InvalidInput([{ field: HEADER, message }]);
});
