import { InvalidCursor, openCursor, sealCursor, uuidBytes, uuidText } from '@app/paging';

/** Behind one dead letter, going back in time. */
export interface DeathPosition {
  /** RFC 3339; the column has milliseconds, so a Date loses nothing. */
  readonly diedAt: string;
  readonly id: string;
}

const POSITION_BYTES = 24;

/** Outside of these years a Date writes what PostgreSQL does not read, or throws. */
const FIRST_MS = Date.parse('0001-01-01T00:00:00Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

const scopeOf = (tenantId: string): string => `dead-letters/${tenantId}`;

export function cursorAt(tenantId: string, diedAt: Date, id: string): string {
  const bytes = Buffer.alloc(POSITION_BYTES);
  bytes.writeBigInt64BE(BigInt(diedAt.getTime()));
  uuidBytes(id).copy(bytes, 8);
  return sealCursor(scopeOf(tenantId), bytes);
}

/** @throws InvalidCursor when it is not one of this tenant's */
export function positionOf(tenantId: string, cursor: string): DeathPosition {
  const bytes = openCursor(scopeOf(tenantId), cursor, POSITION_BYTES);
  const diedAtMs = Number(bytes.readBigInt64BE());
  if (diedAtMs < FIRST_MS || diedAtMs > LAST_MS) throw new InvalidCursor();
  return { diedAt: new Date(diedAtMs).toISOString(), id: uuidText(bytes.subarray(8)) };
}
