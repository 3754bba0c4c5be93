import type { FastifyInstance } from 'fastify';
import { isUnwatched } from './request-facts';

/** The process closes its connections, and begins nothing any more. */
export class Stopping extends Error {
  constructor() {
    super('This process is stopping; try again, and another one answers');
    this.name = 'Stopping';
  }
}

/**
 * Refuses what comes on connections that are open still once HTTP closes: with `return503OnClosing`
 * Fastify would do so before any hook, in words of its own. Probes and scrapes are answered to the end.
 */
export function refuseWhileClosing(fastify: FastifyInstance): void {
  let isClosing = false;
  fastify.addHook('preClose', (done) => {
    isClosing = true;
    done();
  });
  fastify.addHook('onRequest', ({ url }, _reply, done) => {
    done(isClosing && !isUnwatched(url) ? new Stopping() : undefined);
  });
}
