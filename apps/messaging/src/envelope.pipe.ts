import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { type FieldError, InvalidInput } from './invalid-input';
import { RawJson } from './messages/raw-json';

/**
 * Finds what the validator never gets to see, since the transformation before it leaves it out:
 * fields that are named like something that every object has, and lists within lists.
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
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => itemProblems(item, `${path}[${index}]`));
  }
  return Object.entries(value).flatMap(([name, inner]) => {
    const field = path ? `${path}.${name}` : name;
    return name in Object.prototype
      ? [{ field, message: 'is not a known field' }]
      : problemsIn(inner, field);
  });
}

const itemProblems = (item: unknown, path: string): FieldError[] =>
  Array.isArray(item) ? [{ field: path, message: 'must be an object' }] : problemsIn(item, path);
