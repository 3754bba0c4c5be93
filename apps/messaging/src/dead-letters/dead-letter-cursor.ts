import { openCursor, sealCursor, uuidBytes, uuidText } from '@app/paging';

/** Behind one dead letter, going back in time. */
export interface DeathPosition {
  /** RFC 3339; the column has milliseconds, so a Date loses nothing. */
  readonly diedAt: string;
  readonly id: string;
}

const scopeOf = (tenantId: string): string => `dead-letters/${tenantId}`;

export function cursorAt(tenantId: string, diedAt: Date, id: string): string {
  const bytes = Buffer.alloc(24);
  bytes.writeBigInt64BE(BigInt(diedAt.getTime()));
  uuidBytes(id).copy(bytes, 8);
  return sealCursor(scopeOf(tenantId), bytes);
}

/** @throws InvalidCursor when it is not one of this tenant's */
export function positionOf(tenantId: string, cursor: string): DeathPosition {
  const bytes = openCursor(scopeOf(tenantId), cursor);
  const diedAt = new Date(Number(bytes.readBigInt64BE())).toISOString();
  return { diedAt, id: uuidText(bytes.subarray(8)) };
}
