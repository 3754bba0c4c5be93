import { Forbidden, Unauthorized } from './auth.errors';

const REALM = 'Bearer realm="messaging"';

/** What `WWW-Authenticate` says: https://www.rfc-editor.org/rfc/rfc6750#section-3 */
export function challengeFor(error: unknown): string | undefined {
  if (error instanceof Forbidden) return `${REALM}, error="insufficient_scope", scope="admin"`;
  if (!(error instanceof Unauthorized)) return undefined;
  return error.hadToken ? `${REALM}, error="invalid_token"` : REALM;
}
