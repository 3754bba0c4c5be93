import { uuidIn } from '@app/paging';
import { Unauthorized } from './auth.errors';

/** Who calls, as a token says it. */
export type Caller = { readonly kind: 'admin' } | TenantCaller;

export interface TenantCaller {
  readonly kind: 'tenant';
  /** In lower case. */
  readonly tenantId: string;
  /** Seconds since 1970. Without `iat` it counts as older than every revocation. */
  readonly issuedAt: number;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined where nobody looked, as no token is asked for. */
    caller: Caller | undefined;
  }
}

/**
 * Reads who calls out of claims whose signature and times are checked.
 *
 * `scope` is a list of words with spaces between them (RFC 8693, 4.2); others than ours are left
 * alone. Exactly one of ours must be there: with both, nobody can know what was meant.
 *
 * @throws Unauthorized
 */
export function callerIn(claims: Readonly<Record<string, unknown>>): Caller {
  const { scope, tenant_id, iat } = claims;
  const words = typeof scope === 'string' ? scope.split(' ') : [];
  const [isAdmin, isTenant] = [words.includes('admin'), words.includes('tenant')];
  if (isAdmin === isTenant) throw new Unauthorized('The scope must name one of admin and tenant');
  if (isAdmin) return { kind: 'admin' };
  const tenantId = uuidIn(tenant_id);
  if (tenantId === undefined) throw new Unauthorized("A tenant's token must name its tenant_id");
  return { kind: 'tenant', tenantId, issuedAt: typeof iat === 'number' ? iat : -Infinity };
}
