const FRACTION = 20;
const ZONE = -3;

/**
 * PostgreSQL's text of a `timestamptz(3)` in UTC, `2026-11-25 13:41:24.5+00`, as ISO 8601 with
 * milliseconds, for the years 0000 to 9999. By way of a Date it takes ten times as long, which is a
 * tenth of what a page costs.
 */
export function isoTime(text: string): string {
  const fraction = text.slice(FRACTION, ZONE).padEnd(3, '0');
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction}Z`;
}
