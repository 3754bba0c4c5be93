import { randomUUID } from 'node:crypto';
import type { TokenSettings } from '@app/config';
import { SignJWT } from 'jose';

/** An hour, when nothing else is said. */
export const DEFAULT_EXPIRES_IN = 3_600;
/** A year. */
export const MAX_EXPIRES_IN = 31_536_000;

export type Bearer =
  { readonly scope: 'admin' } | { readonly scope: 'tenant'; readonly tenant_id: string };

/**
 * Signs with HS256 what {@link TokenVerifier} takes.
 *
 * @param issuedAt seconds since 1970
 * @param expiresIn seconds from then on
 */
export function signToken(
  { JWT_SECRET, JWT_ISSUER, JWT_AUDIENCE }: TokenSettings,
  bearer: Bearer,
  issuedAt: number,
  expiresIn: number,
): Promise<string> {
  const token = new SignJWT({ ...bearer })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setJti(randomUUID())
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + expiresIn);
  if (JWT_ISSUER !== undefined) token.setIssuer(JWT_ISSUER);
  if (JWT_AUDIENCE !== undefined) token.setAudience(JWT_AUDIENCE);
  return token.sign(Buffer.from(JWT_SECRET));
}
