import type { ValidationError } from '@nestjs/common';

export interface FieldError {
  /** Where it is: `workers`, `messages[3].payload`, `limit`. */
  readonly field: string;
  readonly message: string;
}

/** What came is not what the call takes; names every field that is wrong. */
export class InvalidInput extends Error {
  constructor(readonly errors: readonly FieldError[]) {
    super(errors.map(({ field, message }) => `${field} ${message}`).join('; '));
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
