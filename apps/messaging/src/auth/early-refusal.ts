import type { Environment } from '@app/config';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { Authentication } from './authentication';

/** All below `/api` but its documentation. */
const GUARDED = /^\/api\/(?!docs(?:[/?-]|$))/;

/**
 * Refuses whoever is a stranger before the body is read: the guard, which decides, comes after it,
 * and a stranger could have megabytes parsed. What counts is the route, however its path is written;
 * where there is none, the path itself.
 */
export function refuseStrangersEarly(
  app: NestFastifyApplication,
  { AUTH_MODE }: Environment,
): void {
  if (AUTH_MODE === 'off') return;
  const authentication = app.get(Authentication);
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', async (request) => {
    const path = request.routeOptions.url ?? request.url;
    if (GUARDED.test(path)) await authentication.callerOf(request);
  });
}
