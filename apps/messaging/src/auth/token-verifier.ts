import { createSecretKey, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Environment } from '@app/config';
import {
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyOptions,
} from 'jose';
import { Unauthorized } from './auth.errors';
import { type Caller, callerIn } from './claims';
import { KeyServer } from './key-server';

/** What a key server's keys may sign with. HS256 is not among them: a public key is no secret. */
const PUBLIC_KEY_ALGORITHMS = ['RS256', 'ES256', 'EdDSA', 'Ed25519'];

/**
 * Checks a token's signature and its times, and reads who calls. The algorithm that a token names
 * only chooses between the secret and the key server, each of which takes its own kinds alone.
 */
@Injectable()
export class TokenVerifier {
  private readonly secret: KeyObject | undefined;
  private readonly keyServer: KeyServer | undefined;
  private readonly demands: JWTVerifyOptions;

  constructor({ JWT_SECRET, JWT_JWKS_URL, JWT_ISSUER, JWT_AUDIENCE }: Environment) {
    this.secret = JWT_SECRET ? createSecretKey(Buffer.from(JWT_SECRET)) : undefined;
    this.keyServer = JWT_JWKS_URL ? new KeyServer(JWT_JWKS_URL) : undefined;
    this.demands = {
      requiredClaims: ['exp'],
      ...(JWT_ISSUER !== undefined && { issuer: JWT_ISSUER }),
      ...(JWT_AUDIENCE !== undefined && { audience: JWT_AUDIENCE }),
    };
  }

  /** @throws Unauthorized, KeyServerUnavailable */
  async verify(token: string): Promise<Caller> {
    try {
      return callerIn(await this.claimsOf(token));
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof TypeError)
        throw new Unauthorized(reasonOf(error));
      throw error;
    }
  }

  private async claimsOf(token: string): Promise<JWTPayload> {
    const { secret, keyServer, demands } = this;
    if (decodeProtectedHeader(token).alg === 'HS256') {
      if (!secret) throw new errors.JOSEAlgNotAllowed();
      return (await jwtVerify(token, secret, { ...demands, algorithms: ['HS256'] })).payload;
    }
    if (!keyServer) throw new errors.JOSEAlgNotAllowed();
    const options = { ...demands, algorithms: PUBLIC_KEY_ALGORITHMS };
    return (await jwtVerify(token, keyServer.keyFor, options)).payload;
  }
}

/** What its owner can mend is named; whoever tries tokens out learns nothing from the rest. */
function reasonOf(error: Error): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired';
  if (error instanceof errors.JWTClaimValidationFailed)
    return `The token's claim ${error.claim} is missing or not the one that is asked for`;
  return 'The token is not one of ours';
}
