import type { IncomingMessage, ServerResponse } from 'node:http';

const TENANT = /^\/api\/tenants\/([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?=[/?]|$)/i;

/** Probes and scrapes come every few seconds: no line and no span for them. */
export const isUnwatched = (url = ''): boolean => /^\/(health|metrics)(?=[/?]|$)/.test(url);

/** The tenant that a path of the API is about, however it is written. */
export const tenantIn = (url = ''): string | undefined =>
  TENANT.exec(url.includes('%') ? decoded(url) : url)?.[1]?.toLowerCase();

/** As the router reads it; the query may hold anything. */
function decoded(url: string): string {
  const [path = ''] = url.split('?', 1);
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

/** Whether the log has seen it, and writes its line as it ends; it leaves this there. */
export const willBeLogged = ({ raw }: { raw: IncomingMessage }): boolean => 'allLogs' in raw;

/** The tenant of a request that is answered: one that made a tenant is about that one. */
export function tenantOf(request: IncomingMessage, response: ServerResponse): string | undefined {
  const location = response.getHeader('location');
  const made = typeof location === 'string' ? tenantIn(location) : undefined;
  return tenantIn(request.url) ?? made;
}
