import type { FastifyInstance, FastifyReply } from 'fastify';

/** Swagger UI lives on files of its own, styles that stand in the page, and pictures within styles. */
const PAGE_POLICY = [
  "default-src 'self'",
  "img-src 'self' data:",
  "style-src 'self' 'unsafe-inline'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** JSON needs nothing and is shown in nobody's frame. */
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'";

const DOCS = '/api/docs';

const HEADERS = { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' };
const PAGE_HEADERS = { ...HEADERS, 'content-security-policy': PAGE_POLICY };

/** Messages are nobody's to keep on the way. */
const DATA_HEADERS = {
  ...HEADERS,
  'content-security-policy': DATA_POLICY,
  'cache-control': 'no-store',
};

/**
 * The few headers that matter for an API and its documentation. `Strict-Transport-Security` is for
 * whoever ends TLS in front of this program.
 *
 * https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
 */
export function addSecurityHeaders(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    secure(reply, request.url);
    done();
  });
}

/** For answers that come before any hook. */
export function secure(reply: FastifyReply, url: string): void {
  reply.headers(securityHeaders(url));
}

/** For answers that are written without Fastify. */
export const securityHeaders = (url: string): Readonly<Record<string, string>> =>
  url.startsWith(DOCS) ? PAGE_HEADERS : DATA_HEADERS;
