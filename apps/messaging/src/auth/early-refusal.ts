import type { Environment } from '@app/config';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { Authentication } from './authentication';

/** All below `/api` but its documentation. */
const GUARDED = /^\/api\/(?!docs(?:[/?-]|$))/;

/**
 * Refuses whoever is a stranger before the body is read: the guard, which decides, comes after it,
 * and a stranger could have megabytes parsed. A path that is written so that this does not see it
 * still comes to the guard.
 */
export function refuseStrangersEarly(
  app: NestFastifyApplication,
  { AUTH_MODE }: Environment,
): void {
  if (AUTH_MODE === 'off') return;
  const authentication = app.get(Authentication);
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', async (request) => {
    if (GUARDED.test(request.url)) await authentication.callerOf(request);
  });
}
