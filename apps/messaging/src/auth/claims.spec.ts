import { Unauthorized } from './auth.errors';
import { callerIn } from './claims';

const TENANT = '019aa0e4-5b7c-7c1e-9f43-0d2c5a7b9e10';

describe('callerIn', () => {
  it('finds our scope among others', () => {
    expect(callerIn({ scope: 'openid admin' })).toEqual({ kind: 'admin' });
    expect(callerIn({ scope: 'tenant email', tenant_id: TENANT, iat: 7 })).toEqual({
      kind: 'tenant',
      tenantId: TENANT,
      issuedAt: 7,
    });
  });

  it('takes the tenant in any case of letters', () => {
    const caller = callerIn({ scope: 'tenant', tenant_id: TENANT.toUpperCase(), iat: 7 });
    expect(caller).toMatchObject({ tenantId: TENANT });
  });

  it('counts a token that does not say when it was issued as older than every revocation', () => {
    const caller = callerIn({ scope: 'tenant', tenant_id: TENANT });
    expect(caller).toMatchObject({ issuedAt: -Infinity });
  });

  it.each([
    {},
    { scope: '' },
    { scope: 'administrator' },
    { scope: ['admin'] },
    { scope: 'admin tenant', tenant_id: TENANT },
    { scope: 'tenant' },
    { scope: 'tenant', tenant_id: 7 },
    { scope: 'tenant', tenant_id: `${TENANT}\n` },
    { scope: 'tenant', tenant_id: [TENANT] },
  ])('refuses %j', (claims) => {
    expect(() => callerIn(claims)).toThrow(Unauthorized);
  });
});
