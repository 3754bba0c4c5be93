import type { ValidationError } from '@nestjs/common';

export interface FieldError {
  /** Where it is: `workers`, `messages[3].payload`, `limit`. */
  readonly field: string;
  readonly message: string;
}

/** Enough to mend the rest by; a body could have a hundred thousand. */
const MOST_NAMED = 100;

/** What came is not what the call takes; names the fields that are wrong, the first hundred of them. */
export class InvalidInput extends Error {
  readonly errors: readonly FieldError[];

  constructor(errors: readonly FieldError[]) {
    const named = errors.slice(0, MOST_NAMED);
    const more = errors.length > MOST_NAMED ? [`and ${errors.length - MOST_NAMED} more`] : [];
    super([...named.map(({ field, message }) => `${field} ${message}`), ...more].join('; '));
    this.errors = named;
    this.name = 'InvalidInput';
  }

  static fromValidation(errors: readonly ValidationError[]): InvalidInput {
    return new InvalidInput(errors.flatMap((error) => fieldErrors(error, '')));
  }
}

function fieldErrors(error: ValidationError, parent: string): FieldError[] {
  const field = join(parent, error.property);
  const own = Object.entries(error.constraints ?? {}).map(([rule, text]) => ({
    field,
    message: rule === 'whitelistValidation' ? 'is not a known field' : plain(text, error.property),
  }));
  return [...own, ...(error.children ?? []).flatMap((child) => fieldErrors(child, field))];
}

function join(parent: string, property: string): string {
  if (/^\d+$/.test(property)) return `${parent}[${property}]`;
  return parent ? `${parent}.${property}` : property;
}

/** The validator begins its sentences with the property, which stands beside them already. */
const plain = (text: string, property: string): string =>
  text.startsWith(`${property} `) ? text.slice(property.length + 1) : text;
