import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { type FieldError, InvalidInput } from './invalid-input';
import { MAX_BATCH } from './messages/dto/message-input.dto';
import { RawJson } from './messages/raw-json';

/** More than any object that a call takes has, and few enough to look at each. */
const MAX_FIELDS = 100;

/**
 * Finds what is too much to be looked through, while the body's size alone would let it pass: millions of
 * items, or of fields. And what the validator never gets to see, since the transformation before it
 * leaves it out: fields that are named like something that every object has, and lists within lists.
 */
export class EnvelopePipe implements PipeTransform {
  transform(value: unknown, { type }: ArgumentMetadata): unknown {
    if (type !== 'body' && type !== 'query') return value;
    const errors = problemsIn(value, '');
    if (errors.length > 0) throw new InvalidInput(errors);
    return value;
  }
}

function problemsIn(value: unknown, path: string): FieldError[] {
  if (typeof value !== 'object' || value === null || value instanceof RawJson) return [];
  return Array.isArray(value) ? listProblems(value, path) : objectProblems(value, path);
}

function listProblems(items: readonly unknown[], path: string): FieldError[] {
  if (items.length > MAX_BATCH) {
    return [{ field: path || 'body', message: `must hold at most ${MAX_BATCH} items` }];
  }
  return items.flatMap((item, index) => itemProblems(item, `${path}[${index}]`));
}

function objectProblems(value: object, path: string): FieldError[] {
  const entries = Object.entries(value);
  if (entries.length > MAX_FIELDS) {
    return [{ field: path || 'body', message: `must hold at most ${MAX_FIELDS} fields` }];
  }
  return entries.flatMap(([name, inner]) => {
    const field = path ? `${path}.${name}` : name;
    return name in Object.prototype
      ? [{ field, message: 'is not a known field' }]
      : problemsIn(inner, field);
  });
}

const itemProblems = (item: unknown, path: string): FieldError[] =>
  Array.isArray(item) ? [{ field: path, message: 'must be an object' }] : problemsIn(item, path);
