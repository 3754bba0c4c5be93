import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Environment } from '@app/config';
import type { Tracing } from '@app/tracing';
import type { FastifyInstance } from 'fastify';
import type { Params } from 'nestjs-pino';
import { storage, Store } from 'nestjs-pino/storage';
import { stdSerializers } from 'pino';
import { type HttpLogger, pinoHttp } from 'pino-http';
import { errorFields } from './error-fields';
import { isUnwatched, tenantOf } from './request-facts';

/**
 * JSON lines with the ids of the request, its trace and its tenant, one per request and none per
 * message; no bodies, no headers, no query.
 */
export function requestLog({ LOG_LEVEL, LOG_PRETTY }: Environment, tracing: Tracing): HttpLogger {
  return pinoHttp({
    level: LOG_LEVEL,
    autoLogging: { ignore: ({ url }) => isUnwatched(url) },
    // Not `quietReqLogger`, whose logger of each request is the prototype of another: as such V8 keeps
    // it, and all that hangs on it, until the next full collection.
    customAttributeKeys: { req: 'request_id', responseTime: 'duration_ms' },
    customSuccessObject: (request: IncomingMessage, response, fields: object) =>
      requestFields(request, response, fields),
    // Why it failed, the problem filter has said; here would stand an error made of the status.
    customErrorObject: (request: IncomingMessage, response, _error, fields: object) =>
      requestFields(request, response, { ...fields, err: undefined }),
    ...(tracing.enabled && { mixin: () => traceFields(tracing) }),
    wrapSerializers: false,
    serializers: {
      request_id: (of: string | IncomingMessage) => (typeof of === 'string' ? of : of.id),
      req: ({ method, url }: IncomingMessage) => ({ method, url: url?.split('?')[0] }),
      res: ({ statusCode }: ServerResponse) => ({ statusCode }),
      err: stdSerializers.wrapErrorSerializer((error) => errorFields(error) as object),
    },
    ...(LOG_PRETTY && { transport: { target: 'pino-pretty', options: { singleLine: true } } }),
  });
}

/** For Nest's own lines and ours; requests are {@link logRequests}'s. */
export const logging = ({ logger }: HttpLogger): Params => ({
  pinoHttp: { logger },
  forRoutes: [],
});

/**
 * A line for each request as it ends, and its id in those that are written on its way. By a hook: on its
 * way to a middleware Nest has each request try a dozen patterns, at a tenth of what a request costs.
 */
export function logRequests(fastify: FastifyInstance, log: HttpLogger): void {
  fastify.addHook('onRequest', ({ id, raw }, reply, done) => {
    raw.id = id;
    log(raw, reply.raw);
    storage.run(new Store(raw.log), done);
  });
}

/** Adds the tenant that a request is about, if it is about one. */
export function requestFields(
  request: IncomingMessage,
  response: ServerResponse,
  fields: object,
): object {
  const tenantId = tenantOf(request, response);
  return { req: request, ...fields, ...(tenantId !== undefined && { tenant_id: tenantId }) };
}

/** Of the span in which the line is written: a request's, or a batch's. */
function traceFields(tracing: Tracing): object {
  const context = tracing.active()?.spanContext();
  return context ? { trace_id: context.traceId, span_id: context.spanId } : {};
}
