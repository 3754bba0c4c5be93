import { openCursor, sealCursor, uuidBytes, uuidText } from '@app/paging';

export type Order = 'asc' | 'desc';

/** A place in the order in which a tenant's messages were stored: behind one of them. */
export interface Position {
  /** `xid8`, as decimal text: it has 64 bits, a number only 53. */
  readonly storedXid: string;
  readonly id: string;
}

/** Where a reader without a cursor begins: before the first message, or after the last. */
export const START: Readonly<Record<Order, Position>> = {
  asc: { storedXid: '0', id: '00000000-0000-0000-0000-000000000000' },
  desc: { storedXid: String(2n ** 64n - 1n), id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' },
};

const POSITION_BYTES = 24;

const scopeOf = (tenantId: string, order: Order): string => `messages/${tenantId}/${order}`;

/** A cursor holds for one tenant and one order. */
export function cursorAt(tenantId: string, order: Order, position: Position): string {
  const bytes = Buffer.alloc(POSITION_BYTES);
  bytes.writeBigUInt64BE(BigInt(position.storedXid));
  uuidBytes(position.id).copy(bytes, 8);
  return sealCursor(scopeOf(tenantId, order), bytes);
}

/** @throws InvalidCursor when it is not one of this tenant's in this order */
export function positionOf(tenantId: string, order: Order, cursor: string): Position {
  const bytes = openCursor(scopeOf(tenantId, order), cursor, POSITION_BYTES);
  return { storedXid: String(bytes.readBigUInt64BE()), id: uuidText(bytes.subarray(8)) };
}
