import { createHash } from 'node:crypto';
import { uuidBytes, uuidText } from '@app/paging';

/**
 * The id that a tenant's idempotency key stands for: a name-based UUID (version 5) in the tenant's
 * namespace, so that the database's primary key is all that is needed to store the message once.
 *
 * https://www.rfc-editor.org/rfc/rfc9562#section-5.5
 */
export function keyedId(tenantId: string, idempotencyKey: string): string {
  const hash = createHash('sha1').update(uuidBytes(tenantId)).update(idempotencyKey).digest();
  const bytes = hash.subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return uuidText(bytes);
}
