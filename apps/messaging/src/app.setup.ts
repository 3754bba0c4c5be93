import { RequestMethod } from '@nestjs/common';
import type { Environment } from '@app/config';
import { Metrics } from '@app/metrics';
import { Tracing } from '@app/tracing';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { useContainer } from 'class-validator';
import type { FastifyInstance } from 'fastify';
import type { HttpLogger } from 'pino-http';
import { BEARER, documentAccess } from './auth/document-access';
import { refuseStrangersEarly } from './auth/early-refusal';
import { EnvelopePipe } from './envelope.pipe';
import { httpLimits, limitConnections } from './http-limits';
import { registerJsonBody } from './json-body';
import { logRequests } from './logging';
import { refuseInPlaceOfNode } from './node-refusals';
import { ProblemResponse } from './problem.docs';
import { ProblemFilter } from './problem.filter';
import { requestId } from './request-id';
import { traceRequests } from './request-traces';
import { addSecurityHeaders } from './security-headers';
import { Shutdown } from './shutdown';
import { refuseWhileClosing } from './stopping-refusals';
import { AtMostMaxWorkers } from './tenants/dto/workers.dto';
import { dropUnreadBodies } from './unread-bodies';
import { UnreadableRequests } from './unreadable-requests';
import { answerUnroutable } from './unroutable-requests';
import { countUnrouted, type UnroutedRefusals } from './unrouted-refusals';
import { Validation } from './validation.pipe';

/** What a message's envelope may add to its payload. */
const ENVELOPE_BYTES = 64 * 1024;

/** A batch's body may have as many times the size of the largest message, */
const BATCH_FACTOR = 32;

/** and no more than half of what may wait for its confirm: more could never be accepted. */
const MAX_BATCH_BYTES = 64 * 1024 * 1024;

export function httpAdapter(environment: Environment, refusals: UnroutedRefusals): FastifyAdapter {
  const { MAX_MESSAGE_BYTES } = environment;
  const unreadable = new UnreadableRequests(refusals);
  const adapter = new FastifyAdapter({
    genReqId: requestId,
    // There is no middleware here: what is to see every request is a hook.
    skipMiddie: true,
    bodyLimit: MAX_MESSAGE_BYTES + ENVELOPE_BYTES,
    // Kept-alive connections without a request would otherwise hold up a stop.
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    frameworkErrors: answerUnroutable(refusals),
    ...httpLimits(environment, unreadable),
  });
  const fastify = adapter.getInstance();
  limitConnections(fastify, environment, refusals);
  unreadable.watch(fastify);
  addSecurityHeaders(fastify);
  dropUnreadBodies(fastify);
  fastify.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  fastify.addHook('onRoute', (route) => {
    if (!route.url.endsWith('/messages/batch')) return;
    const batchBytes = Math.min(BATCH_FACTOR * MAX_MESSAGE_BYTES, MAX_BATCH_BYTES);
    route.bodyLimit = batchBytes + ENVELOPE_BYTES;
  });
  return adapter;
}

/** All that the program needs between its making and its listening. */
export function setUpApp(
  app: NestFastifyApplication,
  environment: Environment,
  refusals: UnroutedRefusals,
  log: HttpLogger,
): void {
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  registerJsonBody(fastify);
  traceRequests(fastify, app.get(Tracing));
  app.setGlobalPrefix('api', {
    exclude: [
      { path: 'health/*path', method: RequestMethod.ALL },
      { path: 'metrics', method: RequestMethod.ALL },
    ],
  });
  app.useGlobalFilters(new ProblemFilter(app.get(Metrics)));
  countUnrouted(refusals, app.get(Metrics));
  app.useGlobalPipes(new EnvelopePipe(), new Validation());
  useContainer(validators(environment), { fallback: true });
  SwaggerModule.setup('api/docs', app, () => openApi(app), {
    jsonDocumentUrl: 'api/docs-json',
    swaggerOptions: { persistAuthorization: true },
  });
  refuseInPlaceOfNode(fastify);
  refuseWhileClosing(fastify);
  refuseStrangersEarly(app, environment);
  logRequests(fastify, log);
  stopOnSignals(app);
  endConnectionsWhenDraining(app);
  showLocation(fastify);
}

/** Fastify hands its headers to Node as they go out, where the log does not find them: this one it needs. */
function showLocation(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    const location = reply.getHeader('location');
    if (location !== undefined) reply.raw.setHeader('location', location);
    done(null, payload);
  });
}

/**
 * Where the validator finds the one constraint of ours. Nest's own container would do, but answers
 * whatever else it is asked for, several times per request, with an exception.
 */
function validators(environment: Environment): { get(type: unknown): unknown } {
  const atMostMaxWorkers = new AtMostMaxWorkers(environment);
  return { get: (type) => (type === AtMostMaxWorkers ? atMostMaxWorkers : undefined) };
}

function openApi(app: NestFastifyApplication): OpenAPIObject {
  const description =
    'Every tenant has a durable queue, a consumer and a partition of its own. A message that got ' +
    '202 is stored exactly once.';
  const config = new DocumentBuilder()
    .setTitle('Multi-Tenant Messaging')
    .setDescription(description)
    .setVersion('1')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }, BEARER)
    .build();
  const document = SwaggerModule.createDocument(app, config, { extraModels: [ProblemResponse] });
  return documentAccess(document);
}

/** A kept-alive connection whose request is answered during the stop would hold it up until it idles out. */
function endConnectionsWhenDraining(app: NestFastifyApplication): void {
  const shutdown = app.get(Shutdown);
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    if (shutdown.draining) reply.header('connection', 'close');
    done(null, payload);
  });
}

/** `process.exit`, since the first process of a container may ignore the signal that it sends itself. */
function stopOnSignals(app: NestFastifyApplication): void {
  const shutdown = app.get(Shutdown);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => shutdown.signalled(signal));
  }
  app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
}
