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
 * PostgreSQL gives out numbers in full: `1e131071`, of 8 characters, with 131,072 digits. What is read is to
 * have at most this size, or so many times that of what was sent.
 */
const MAX_WRITTEN = 1024 * 1024;
const MAX_GROWTH = 8;

/**
 * Only texts with any of these need a closer look; most have none. A run of digits is looked at from its
 * first one only: otherwise it would be read again from each. Exponents of two digits take a long text to
 * become too much.
 */
const NUL = /\\u0000/;
const SURROGATE = /\\u[dD][89a-fA-F]/;
const NUMBER_TO_CHECK = /\d[eE][+-]?\d{3}|(?<!\d)\d{1000}/;
const LONG_TEXT = 50_000;
const NUMBER_IN_LONG_TEXT = /\d[eE][+-]?\d{2}|(?<!\d)\d{1000}/;

/**
 * Why `jsonb` cannot hold this JSON text, or nobody could read it again; undefined when it is fine. The text must be valid JSON.
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
  const numberToCheck = text.length < LONG_TEXT ? NUMBER_TO_CHECK : NUMBER_IN_LONG_TEXT;
  if (numberToCheck.test(text)) {
    const problem = numbersProblem(text);
    if (problem !== undefined) return problem;
  }
  if (text.length > MAX_DEPTH && depthOf(text) > MAX_DEPTH) {
    return `is nested more than ${MAX_DEPTH} levels deep`;
  }
  return undefined;
}

const NUMBER = /-?\d[\d.eE+-]*/g;

/** Names of properties are strings too. */
function someString(text: string, matches: (string: string) => boolean): boolean {
  for (const [start, end] of stringsIn(text)) {
    if (matches(JSON.parse(text.slice(start, end)) as string)) return true;
  }
  return false;
}

function numbersIn(text: string): string[] {
  let between = '';
  let from = 0;
  for (const [start, end] of stringsIn(text)) {
    between += `${text.slice(from, start)} `;
    from = end;
  }
  return (between + text.slice(from)).match(NUMBER) ?? [];
}

/**
 * Where the strings begin and end, their quotes included. A pattern would remember a place to go back to
 * for each escape, and with some millions of them run out of memory for that.
 */
function* stringsIn(text: string): Generator<[start: number, end: number]> {
  for (let start = text.indexOf('"'); start >= 0;) {
    let end = text.indexOf('"', start + 1);
    while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
    yield [start, end + 1];
    start = text.indexOf('"', end + 1);
  }
}

/** Whether the quote at `at` is part of a string: the backslashes before it are odd in number. */
function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text[first - 1] === '\\') first--;
  return (at - first) % 2 === 1;
}

function numbersProblem(text: string): string | undefined {
  let written = text.length;
  for (const number of numbersIn(text)) {
    const digits = digitsOf(number);
    if (!digits) return 'holds a number that is out of range';
    written += Math.max(0, digits - number.length);
  }
  if (written <= Math.max(MAX_WRITTEN, MAX_GROWTH * text.length)) return undefined;
  return `holds numbers that, written out in full, have too many digits: ${written} characters in all`;
}

/** How many it has when it is written in full; undefined for more than `numeric` holds. */
function digitsOf(number: string): number | undefined {
  const [mantissa = '', exponentText = '0'] = number.toLowerCase().split('e');
  const [integer = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const exponent = Number(exponentText);
  if (Math.abs(exponent) > MAX_EXPONENT) return undefined;
  const fractionDigits = Math.max(0, fraction.length - exponent);
  if (fractionDigits > MAX_FRACTION_DIGITS) return undefined;
  const significant = `${integer}${fraction}`.replace(/^0+/, '');
  const isZero = significant === '';
  const integerDigits = isZero ? 1 : Math.max(1, significant.length - fraction.length + exponent);
  return integerDigits > MAX_INTEGER_DIGITS ? undefined : integerDigits + fractionDigits;
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
