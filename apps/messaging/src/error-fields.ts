import { codeOf } from '@app/database';

/** PostgreSQL's data exceptions quote the value that they are about. */
const DATA_EXCEPTION = /^22/;

/**
 * What a log may say of an error. The rest of its fields may hold what a tenant sent: PostgreSQL's
 * `detail` and `where`, and TypeORM's `parameters`, quote rows, and the errors of `JSON.parse`, as
 * well as PostgreSQL's data exceptions, quote the text in their very message.
 */
export function errorFields(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return error;
  const { message, stack, name } = error as Partial<Error>;
  const code = codeOf(error);
  const type = 'type' in error && typeof error.type === 'string' ? error.type : name;
  const quotes = type === 'SyntaxError' || DATA_EXCEPTION.test(code ?? '');
  return {
    type,
    ...(code !== undefined && { code }),
    message: quotes ? 'It quotes what was sent, and is left out here' : message,
    stack: framesOf(stack),
  };
}

/** Only the frames: before them a stack repeats the message, and that of every cause. */
const framesOf = (stack = ''): string =>
  stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');
