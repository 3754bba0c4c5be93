import { createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import type { Api, ProblemBody } from './api';
import { expectProblem } from './problem';

/** Tokens made by hand, so that nothing of the program's own is needed to make them. */
export const SECRET = 'a secret of the tests that is long enough';
export const ISSUER = 'https://issuer.test';
export const AUDIENCE = 'messaging-tests';

/** The environment that takes {@link tokenOf}'s tokens. */
export const WITH_TOKENS = {
  AUTH_MODE: 'jwt',
  JWT_SECRET: SECRET,
  JWT_ISSUER: ISSUER,
  JWT_AUDIENCE: AUDIENCE,
};

export type Claims = Record<string, unknown>;

export const nowInSeconds = (): number => Math.floor(Date.now() / 1000);

/** What a sound token says, whoever bears it. */
const sound = (): Claims => ({
  iss: ISSUER,
  aud: AUDIENCE,
  iat: nowInSeconds(),
  exp: nowInSeconds() + 300,
});

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

export function hs256(claims: Claims, secret: string | Buffer = SECRET): string {
  const text = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

export function unsigned(claims: Claims, alg: string): string {
  return `${encoded({ alg, typ: 'JWT' })}.${encoded(claims)}.`;
}

export const adminToken = (changes: Claims = {}): string =>
  hs256({ ...sound(), scope: 'admin', ...changes });

export const tenantToken = (tenantId: string, changes: Claims = {}): string =>
  hs256({ ...sound(), scope: 'tenant', tenant_id: tenantId, ...changes });

/** Every way of having no token that is worth anything, under its name. */
export function worthless(tenantId: string): Record<string, string | undefined> {
  const claims: Claims = { ...sound(), scope: 'admin' };
  const past = nowInSeconds() - 1;
  const [header, , signature] = adminToken().split('.');
  return {
    'no token': undefined,
    'no bearer': `Basic ${Buffer.from('admin:admin').toString('base64')}`,
    'an empty token': 'Bearer ',
    broken: 'Bearer a.b.c',
    'cut short': `Bearer ${adminToken().slice(0, -4)}`,
    'changed claims': `Bearer ${header}.${encoded({ ...claims, more: 1 })}.${signature}`,
    expired: `Bearer ${adminToken({ exp: past })}`,
    'without exp': `Bearer ${adminToken({ exp: undefined })}`,
    'not yet': `Bearer ${adminToken({ nbf: nowInSeconds() + 60 })}`,
    'alg none': `Bearer ${unsigned(claims, 'none')}`,
    'alg None': `Bearer ${unsigned(claims, 'None')}`,
    'alg of a key server that is not there': `Bearer ${unsigned(claims, 'RS256')}`,
    'wrong key': `Bearer ${hs256(claims, `${SECRET}!`)}`,
    'wrong audience': `Bearer ${adminToken({ aud: 'others' })}`,
    'no audience': `Bearer ${adminToken({ aud: undefined })}`,
    'wrong issuer': `Bearer ${adminToken({ iss: 'https://others.test' })}`,
    'no scope': `Bearer ${adminToken({ scope: undefined })}`,
    'another scope': `Bearer ${adminToken({ scope: 'administrator' })}`,
    'both scopes': `Bearer ${tenantToken(tenantId, { scope: 'admin tenant' })}`,
    'a tenant that is not named': `Bearer ${tenantToken(tenantId, { tenant_id: undefined })}`,
    'a tenant that never was': `Bearer ${tenantToken(randomUUID())}`,
  };
}

/** A key pair of a key server's. */
export class SigningKey {
  private constructor(
    readonly alg: 'RS256' | 'ES256' | 'EdDSA',
    readonly kid: string,
    private readonly privateKey: KeyObject,
    readonly publicKey: KeyObject,
  ) {}

  static make(alg: SigningKey['alg'], kid: string = randomUUID()): SigningKey {
    const { privateKey, publicKey } = pairFor(alg);
    return new SigningKey(alg, kid, privateKey, publicKey);
  }

  get jwk(): object {
    return {
      ...this.publicKey.export({ format: 'jwk' }),
      kid: this.kid,
      alg: this.alg,
      use: 'sig',
    };
  }

  admin(changes: Claims = {}): string {
    const claims = { ...sound(), scope: 'admin', ...changes };
    const text = `${encoded({ alg: this.alg, kid: this.kid })}.${encoded(claims)}`;
    const key = { key: this.privateKey, dsaEncoding: 'ieee-p1363' as const };
    const digest = this.alg === 'EdDSA' ? null : 'sha256';
    return `${text}.${sign(digest, Buffer.from(text), key).toString('base64url')}`;
  }
}

function pairFor(alg: SigningKey['alg']): { privateKey: KeyObject; publicKey: KeyObject } {
  if (alg === 'RS256') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  if (alg === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return generateKeyPairSync('ed25519');
}

/** Asks with a header as it is, and fails unless the answer is a whole 401. */
export async function expectStranger(
  api: Api,
  method: string,
  path: string,
  authorization: string | undefined,
): Promise<ProblemBody> {
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
  const answer = await api.request(method, path, undefined, headers);
  const challenge = answer.headers.get('www-authenticate') ?? 'no challenge';
  const error = authorization === undefined ? '' : ', error="invalid_token"';
  expect(challenge).toBe(`Bearer realm="messaging"${error}`);
  const problem = expectProblem(answer, 401);
  expect(problem.type).toBe('urn:messaging:problem:unauthorized');
  return problem;
}
