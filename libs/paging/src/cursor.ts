import { createHash, timingSafeEqual } from 'node:crypto';

/** The cursor is not one of ours, or belongs to another list. */
export class InvalidCursor extends Error {
  constructor(detail = 'The cursor is not one that this list gave out') {
    super(detail);
    this.name = 'InvalidCursor';
  }
}

const VERSION = 1;
const CHECK_BYTES = 8;

/**
 * Makes an opaque, URL-safe cursor. `scope` names the list that it belongs to (whose, and in which
 * order); `position` is what the list needs to go on. The check binds both: it tells a mistake from
 * a cursor. It is no secret, and need not be: a position grants nothing that the list would not.
 */
export function sealCursor(scope: string, position: Buffer): string {
  const check = checkOf(scope, position);
  return Buffer.concat([Buffer.of(VERSION), check, position]).toString('base64url');
}

/**
 * Opens a cursor whose position has `positionBytes`. Anybody can make the check, so a forged cursor
 * may carry a position of any size.
 *
 * @throws InvalidCursor when it is broken, of a later version, of another scope, or of another size
 */
export function openCursor(scope: string, cursor: string, positionBytes: number): Buffer {
  const bytes = Buffer.from(cursor, 'base64url');
  const position = bytes.subarray(1 + CHECK_BYTES);
  const check = bytes.subarray(1, 1 + CHECK_BYTES);
  const ours =
    bytes[0] === VERSION &&
    // Node skips characters that are not base64url; a cursor with any is not ours.
    bytes.toString('base64url') === cursor &&
    check.length === CHECK_BYTES &&
    position.length === positionBytes &&
    timingSafeEqual(check, checkOf(scope, position));
  if (!ours) throw new InvalidCursor();
  return position;
}

function checkOf(scope: string, position: Buffer): Buffer {
  const hash = createHash('sha256').update(`${VERSION}\n${scope}\n`).update(position);
  return hash.digest().subarray(0, CHECK_BYTES);
}

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** A UUID in lower case, or undefined where there is none. */
export function uuidIn(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.toLowerCase() : '';
  return UUID.test(text) ? text : undefined;
}

/** A UUID as its 16 bytes, and back. */
export const uuidBytes = (uuid: string): Buffer => Buffer.from(uuid.replaceAll('-', ''), 'hex');

export function uuidText(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
