import { Injectable } from '@nestjs/common';
import { Environment } from '@app/config';
import { Database } from '@app/database';
import { TenantChanges } from '../tenants/tenant-changes';
import { TenantNotFound } from '../tenants/tenant.errors';
import { TokensNotIssued } from './auth.errors';
import { signToken } from './sign-token';
import { TenantStandings } from './tenant-standings';
import { ISSUED_AT, REVOKE } from './token-statements';

export interface IssuedToken {
  readonly token: string;
  readonly expiresAt: Date;
}

/** Gives tenants their tokens, and takes them back. */
@Injectable()
export class TenantTokens {
  constructor(
    private readonly environment: Environment,
    private readonly database: Database,
    private readonly standings: TenantStandings,
    private readonly changes: TenantChanges,
  ) {}

  /**
   * @param expiresIn seconds
   * @throws TokensNotIssued, TenantNotFound
   */
  async issue(tenantId: string, expiresIn: number): Promise<IssuedToken> {
    const { JWT_SECRET, ...settings } = this.environment;
    if (JWT_SECRET === undefined) throw new TokensNotIssued();
    const [row] = await this.database.run<{ issued_at: number }>(ISSUED_AT, [tenantId]);
    if (!row) throw new TenantNotFound(tenantId);
    const bearer = { scope: 'tenant', tenant_id: tenantId } as const;
    const token = await signToken({ ...settings, JWT_SECRET }, bearer, row.issued_at, expiresIn);
    return { token, expiresAt: new Date((row.issued_at + expiresIn) * 1000) };
  }

  /**
   * Ends every token that was issued up to now: here at once, on the other replicas within 2 s.
   *
   * @throws TenantNotFound
   */
  async revoke(tenantId: string): Promise<void> {
    const revoked = await this.database.run(REVOKE, [tenantId]);
    this.standings.forget(tenantId);
    if (revoked.length === 0) throw new TenantNotFound(tenantId);
    await this.changes.announce(tenantId);
  }
}
