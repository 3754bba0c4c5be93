import type { Statement } from '@app/database';

export interface StandingRow {
  readonly tenant_id: string;
  readonly valid_from: number | null;
}

export const LIVING_STANDINGS: Statement = {
  name: 'living-standings',
  text: `
    SELECT tenant_id, extract(epoch FROM tokens_valid_from)::float8 AS valid_from
    FROM tenants WHERE tenant_id = ANY($1::uuid[]) AND removed_at IS NULL`,
};

/**
 * When a token is issued, by the database's clock alone: one by a replica whose clock is ahead would
 * survive a revocation that follows. Never before the last revocation took effect.
 */
export const ISSUED_AT: Statement = {
  name: 'token-issued-at',
  text: `
    SELECT extract(epoch FROM greatest(
      date_trunc('second', clock_timestamp()), tokens_valid_from))::float8 AS issued_at
    FROM tenants WHERE tenant_id = $1 AND removed_at IS NULL`,
};

/**
 * `iat` has whole seconds: whatever was issued in this one is over, and what is issued from now on
 * says the next one. A second revocation ends those too.
 */
export const REVOKE: Statement = {
  name: 'revoke-tokens',
  text: `
    UPDATE tenants SET tokens_valid_from =
      greatest(date_trunc('second', clock_timestamp()), tokens_valid_from) + interval '1 second'
    WHERE tenant_id = $1 AND removed_at IS NULL
    RETURNING tenant_id`,
};
