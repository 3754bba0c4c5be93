import fc from 'fast-check';
import type { FuzzRequest } from './fuzz-request';
import { adminToken, nowInSeconds, tenantToken, worthless } from './tokens';

type Bend = (request: FuzzRequest) => FuzzRequest;

const LONG = { exp: nowInSeconds() + 3_600 };

/** Later than every revocation: a tenant's token goes on opening what it opens. */
const AFTER_ALL = { ...LONG, iat: nowInSeconds() + 3_600 };

/** Who may call: an admin, and each tenant. */
export class FuzzTokens {
  readonly admin = adminToken(LONG);
  private readonly tenants = new Map<string, string>();

  of(tenantId: string): string {
    const token = this.tenants.get(tenantId) ?? tenantToken(tenantId, AFTER_ALL);
    this.tenants.set(tenantId, token);
    return token;
  }

  /** Gives a request its caller: an admin or the tenant of its path alike, seldom another tenant. */
  caller(tenantIds: readonly string[]): fc.Arbitrary<Bend> {
    return fc
      .oneof(
        { weight: 3, arbitrary: fc.constant('admin') },
        { weight: 3, arbitrary: fc.constant('own') },
        { weight: 1, arbitrary: fc.constantFrom(...tenantIds) },
      )
      .map(
        (who) => (request) => withAuthorization(request, `Bearer ${this.tokenOf(who, request)}`),
      );
  }

  private tokenOf(who: string, { path }: FuzzRequest): string {
    const tenantId = who === 'own' ? path['tenant_id'] : who;
    return tenantId === undefined || who === 'admin' ? this.admin : this.of(tenantId);
  }
}

/** The operation itself says what it answers to any of them. */
function withAuthorization(request: FuzzRequest, authorization: string | undefined): FuzzRequest {
  const others = Object.entries(request.headers).filter(([name]) => name !== 'authorization');
  const headers = { ...Object.fromEntries(others), ...(authorization && { authorization }) };
  return { ...request, headers };
}

const CLAIMS = ['exp', 'iat', 'nbf', 'iss', 'aud', 'sub', 'jti', 'scope', 'tenant_id', '__proto__'];

const VALUES: readonly unknown[] = [
  undefined,
  null,
  true,
  '',
  '\0',
  '\ud800',
  'admin',
  'tenant',
  'admin tenant',
  ['admin'],
  {},
  { toString: 'admin' },
  -1,
  1.5,
  1e300,
  '9999999999',
  [[]],
];

/** What a token's own head may say: https://www.rfc-editor.org/rfc/rfc7515#section-4.1 */
const HEADS: readonly object[] = [
  {},
  { alg: null },
  { alg: ['HS256'] },
  { alg: { toString: 'HS256' } },
  { alg: 'HS512' },
  { alg: 'HS256', crit: ['exp'], exp: 1 },
  { alg: 'HS256', crit: [] },
  { alg: 'HS256', b64: false, crit: ['b64'] },
  { alg: 'HS256', kid: '../../etc/passwd' },
  { alg: 'HS256', jku: 'http://127.0.0.1:1/' },
  { alg: 'RS256', jwk: { kty: 'oct', k: 'AA' } },
  { alg: 'dir', enc: 'A256GCM' },
];

/** As they stand behind the header's name. */
const TEXTS: readonly string[] = [
  '',
  'Bearer',
  'Bearer .',
  'Bearer ..',
  'Bearer ....',
  'Bearer a.b.c.d.e',
  'Bearer bnVsbA.bnVsbA.',
  'Bearer W10.W10.AA',
  'Basic YTpi',
  'Digest username="admin"',
  `Bearer ${'x'.repeat(6_000)}`,
  `Bearer ${'e30.'.repeat(500)}`,
  'Bearer \xe9',
  ',',
];

/** Whatever a header might say in place of the right token. */
export function bentAuthorization(tokens: FuzzTokens, tenantId: string): fc.Arbitrary<Bend> {
  const own = fc.tuple(fc.nat(), fc.constantFrom('.', '_', '-', '=', 'A', '9', ' ')).map(bendOwn);
  const claim = fc.oneof(fc.constantFrom(...VALUES), fc.jsonValue());
  const signed = fc.tuple(fc.constantFrom(...CLAIMS), claim, fc.boolean()).map(signedClaim);
  const others = [...Object.values(worthless(tenantId)), ...TEXTS, ...HEADS.map(headed)];
  const other = fc.constantFrom(...others, `Bearer ${tokens.admin}.${tokens.admin}`);
  return fc.oneof(own, signed, other.map(sayingInstead));

  function signedClaim([name, value, asTenant]: [string, unknown, boolean]): Bend {
    const changes = Object.fromEntries([[name, value]]);
    const token = asTenant ? tenantToken(tenantId, changes) : adminToken(changes);
    return (request) => withAuthorization(request, `Bearer ${token}`);
  }
}

const sayingInstead =
  (text: string | undefined): Bend =>
  (request) =>
    withAuthorization(request, text);

const headed = (head: object): string => {
  const [, claims, signature] = adminToken(LONG).split('.');
  return `Bearer ${Buffer.from(JSON.stringify(head)).toString('base64url')}.${claims}.${signature}`;
};

/** The right one, with one character of it another. */
const bendOwn =
  ([place, character]: [number, string]): Bend =>
  (request) => {
    const { authorization = '' } = request.headers;
    const at = place % Math.max(1, authorization.length);
    const bent = `${authorization.slice(0, at)}${character}${authorization.slice(at + 1)}`;
    return withAuthorization(request, bent);
  };
