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
  const isPage = url.startsWith(DOCS);
  reply.header('x-content-type-options', 'nosniff');
  reply.header('referrer-policy', 'no-referrer');
  reply.header('content-security-policy', isPage ? PAGE_POLICY : DATA_POLICY);
  // Messages are nobody's to keep on the way.
  if (!isPage) reply.header('cache-control', 'no-store');
}
