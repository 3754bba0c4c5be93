/**
 * How deep arrays and objects may be nested. PostgreSQL's parser is recursive and gives up at some
 * 6,000 levels of its default stack; this leaves room, and no honest payload comes near.
 */
export const MAX_DEPTH = 1_000;

/** PostgreSQL's `numeric`: digits before the decimal point, and after it; and what it reads at all. */
const MAX_INTEGER_DIGITS = 131_072;
const MAX_FRACTION_DIGITS = 16_383;
const MAX_EXPONENT = 1_000_000;

/**
 * Zeros that a payload's exponents may stand for, all in all: `jsonb` writes `1e131071` in full, and two
 * thousand of them, 18 KB as they came, would be read as 262 MB. Enough for two of the largest.
 */
const MAX_ZEROS = 2 * MAX_INTEGER_DIGITS;

/**
 * Only texts with any of these need a closer look; most have none, not even with UUIDs in them. A run of
 * digits is looked at from its first one only: otherwise it would be read again from each.
 */
const NUL = /\\u0000/;
const SURROGATE = /\\u[dD][89a-fA-F]/;
const NUMBER_TO_CHECK = /(?:^|[\s,:[])-?\d[\d.]*[eE][+-]?\d{2}|(?<!\d)\d{1000}/;

/**
 * Why `jsonb` cannot hold this JSON text, or undefined when it can. The text must be valid JSON.
 *
 * https://www.postgresql.org/docs/current/datatype-json.html,
 * https://www.postgresql.org/docs/current/datatype-numeric.html
 */
export function jsonbProblem(text: string): string | undefined {
  if (NUL.test(text) && someString(text, (string) => string.includes('\0'))) {
    return 'holds the character \\u0000, which PostgreSQL cannot store';
  }
  if (SURROGATE.test(text) && someString(text, (string) => !string.isWellFormed())) {
    return 'holds half of a surrogate pair, which is no character';
  }
  const numberProblem = NUMBER_TO_CHECK.test(text) ? problemOf(numbersIn(text)) : undefined;
  if (numberProblem !== undefined) return numberProblem;
  if (text.length > MAX_DEPTH && depthOf(text) > MAX_DEPTH) {
    return `is nested more than ${MAX_DEPTH} levels deep`;
  }
  return undefined;
}

const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/g;
const NUMBER = /-?\d[\d.eE+-]*/g;

/** Names of properties are strings too. */
function someString(text: string, matches: (string: string) => boolean): boolean {
  return (text.match(STRING) ?? []).some((literal) => matches(JSON.parse(literal) as string));
}

const numbersIn = (text: string): string[] => text.replace(STRING, '""').match(NUMBER) ?? [];

function problemOf(numbers: readonly string[]): string | undefined {
  if (!numbers.every(fitsNumeric)) return 'holds a number that is out of range';
  const zeros = numbers.reduce((sum, number) => sum + Math.abs(exponentOf(number)), 0);
  return zeros > MAX_ZEROS
    ? `holds numbers whose exponents stand for more than ${MAX_ZEROS} digits together`
    : undefined;
}

const exponentOf = (number: string): number => Number(number.split(/e/i)[1] ?? 0);

function fitsNumeric(number: string): boolean {
  const [mantissa = ''] = number.split(/e/i);
  const [integer = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const exponent = exponentOf(number);
  if (Math.abs(exponent) > MAX_EXPONENT) return false;
  if (fraction.length - exponent > MAX_FRACTION_DIGITS) return false;
  const significant = `${integer}${fraction}`.replace(/^0+/, '');
  const integerDigits = significant.length - fraction.length + exponent;
  return significant === '' || integerDigits <= MAX_INTEGER_DIGITS;
}

/** The deepest nesting, in one pass: this runs over every large payload. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') inString = !inString;
    else if (character === '\\') at++;
    else if (inString) continue;
    else if (character === '[' || character === '{') deepest = Math.max(deepest, ++depth);
    else if (character === ']' || character === '}') depth--;
  }
  return deepest;
}
