import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Unauthorized } from './auth.errors';
import type { Caller, TenantCaller } from './claims';
import { TenantStandings } from './tenant-standings';
import { TokenVerifier } from './token-verifier';

/** https://www.rfc-editor.org/rfc/rfc6750#section-2.1; the scheme's name in any case of letters. */
const BEARER = /^bearer +([\w.~+/-]+=*) *$/i;

/** Who calls: by the token, and by what became of its tenant since. */
@Injectable()
export class Authentication {
  private readonly callers = new WeakMap<object, Promise<Caller>>();

  constructor(
    private readonly verifier: TokenVerifier,
    private readonly standings: TenantStandings,
  ) {}

  /**
   * Once for every request, whoever asks.
   *
   * @throws Unauthorized, KeyServerUnavailable, StandingUnknown
   */
  callerOf({ raw }: FastifyRequest): Promise<Caller> {
    const known = this.callers.get(raw);
    if (known) return known;
    const caller = this.identify(raw.headers.authorization);
    this.callers.set(raw, caller);
    return caller;
  }

  private async identify(authorization: string | undefined): Promise<Caller> {
    const caller = await this.verifier.verify(tokenIn(authorization));
    if (caller.kind === 'tenant') await this.expectStanding(caller);
    return caller;
  }

  /** A removed tenant's token is not told apart from a revoked one. */
  private async expectStanding({ tenantId, issuedAt }: TenantCaller): Promise<void> {
    const standing = await this.standings.of(tenantId);
    if (standing.kind === 'living' && issuedAt >= standing.validFrom) return;
    throw new Unauthorized('The token does not hold any more');
  }
}

function tokenIn(authorization: string | undefined): string {
  if (!authorization) throw new Unauthorized('Send a token: Authorization: Bearer …', false);
  const token = BEARER.exec(authorization)?.[1];
  if (token === undefined) throw new Unauthorized('The Authorization header holds no bearer token');
  return token;
}
