import { tenantIn } from './request-facts';

const TENANT = '019aa0e4-5b7c-7c1e-9f43-0d2c5a7b9e10';

describe('tenantIn', () => {
  it.each([
    `/api/tenants/${TENANT}`,
    `/api/tenants/${TENANT}/messages?limit=1`,
    `/api/tenants/${TENANT.toUpperCase()}`,
    `/%61pi/tenants/${TENANT}`,
    `/api/t%65nants/%30${TENANT.slice(1)}/messages?cursor=%ff`,
  ])('finds the tenant in %s', (url) => {
    expect(tenantIn(url)).toBe(TENANT);
  });

  it.each([
    undefined,
    '/api/tenants',
    '/api/tenants/x',
    `/api/tenants/${TENANT}0`,
    `/nowhere?/api/tenants/${TENANT}`,
    `/%ff/tenants/${TENANT}`,
    `/api%2Ftenants/${TENANT}`,
  ])('finds none in %s', (url) => {
    expect(tenantIn(url)).toBeUndefined();
  });
});
