import type { Environment } from '@app/config';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { Authentication } from './authentication';
import type { Caller } from './claims';

/** All below `/api` but its documentation. */
const GUARDED = /^\/api\/(?!docs(?:[/?-]|$))/;

/** Without tokens. */
const EVERYBODY: Caller = { kind: 'admin' };

/**
 * Refuses whoever is a stranger before the body is read: the guard, which decides, comes after it,
 * and a stranger could have megabytes parsed. What counts is the route, however its path is written;
 * where there is none, the path itself. What it found out about the others stays with their requests.
 */
export function refuseStrangersEarly(
  app: NestFastifyApplication,
  { AUTH_MODE }: Environment,
): void {
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  if (AUTH_MODE === 'off') {
    fastify.decorateRequest('caller', { getter: () => EVERYBODY });
    return;
  }
  const authentication = app.get(Authentication);
  fastify.decorateRequest('caller', undefined);
  fastify.addHook('onRequest', async (request) => {
    const path = request.routeOptions.url ?? request.url;
    if (GUARDED.test(path)) request.caller = await authentication.callerOf(request);
  });
}
