import { SpanKind, SpanStatusCode, type Span } from '@opentelemetry/api';
import type { Tracing } from '@app/tracing';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isUnwatched, tenantIn } from './request-facts';

/**
 * A span for every request, below the caller's when it sent a `traceparent`. Names and attributes:
 * https://opentelemetry.io/docs/specs/semconv/http/http-spans/
 */
export function traceRequests(fastify: FastifyInstance, tracing: Tracing): void {
  if (!tracing.enabled) return;
  fastify.addHook('onRequest', (request, reply, done) => {
    if (isUnwatched(request.url)) return done();
    const span = tracing.start(...spanOf(request), tracing.received(request.headers));
    // Also when the caller has gone away before the answer.
    reply.raw.once('close', () => end(span, reply));
    tracing.within(span, done);
  });
}

/** Never the query: it may hold what is none of the collector's business. */
function spanOf({ method, routeOptions, url, protocol }: FastifyRequest) {
  const [path = ''] = url.split('?');
  const { url: route } = routeOptions;
  const tenantId = tenantIn(url);
  const attributes = {
    'http.request.method': method,
    'url.scheme': protocol,
    'url.path': path,
    ...(route !== undefined && { 'http.route': route }),
    ...(tenantId !== undefined && { 'tenant.id': tenantId }),
  };
  const name = route === undefined ? method : `${method} ${route}`;
  return [name, { kind: SpanKind.SERVER, attributes }] as const;
}

/** A refusal is the caller's error, not this span's: only what is ours makes it one. */
function end(span: Span, { raw: { statusCode } }: FastifyReply): void {
  span.setAttribute('http.response.status_code', statusCode);
  if (statusCode >= 500) {
    span.setAttribute('error.type', String(statusCode));
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}
