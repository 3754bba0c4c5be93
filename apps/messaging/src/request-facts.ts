import type { ServerResponse } from 'node:http';

const TENANT = /^\/api\/tenants\/([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?=[/?]|$)/i;

/** Probes and scrapes come every few seconds: no line and no span for them. */
export const isUnwatched = (url = ''): boolean => /^\/(health|metrics)(?=[/?]|$)/.test(url);

/** The tenant that a path of the API is about. */
export const tenantIn = (url = ''): string | undefined => TENANT.exec(url)?.[1]?.toLowerCase();

/** The same of a request that is answered: one that made a tenant is about that one. */
export function tenantOf(url: string | undefined, response: ServerResponse): string | undefined {
  const location = response.getHeader('location');
  return tenantIn(url) ?? (typeof location === 'string' ? tenantIn(location) : undefined);
}
