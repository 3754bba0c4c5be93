import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';

/** What large bodies together may take; parsed and on its way each is several times as much. */
const MOST_BYTES = 64 * 1024 * 1024;

/** What is announced as no more is not counted: of as many as there are connections it is no danger. */
const SMALL_BYTES = 64 * 1024;

/** This process has no room for the body. */
export class Overloaded extends Error {
  constructor() {
    super('This process reads as much as it may of other requests; try again');
    this.name = 'Overloaded';
  }
}

/**
 * Refuses the large body that is one too many: 60 batches of the largest size at a time were more memory
 * than a pod has. It is what has come that counts, and not what was announced, or whoever announces much
 * and sends nothing would keep others out. A body that is alone may be as large as its route lets it.
 */
export function boundBodies(fastify: FastifyInstance): void {
  let held = 0;
  fastify.addHook('preParsing', ({ headers }, { raw: response }, payload, done) => {
    done(null, payload);
    if (!mayBeLarge(headers)) return;
    let own = 0;
    // Fastify's reader has the chunk before. It ends at an error of the stream, if it reads at all.
    const count = ({ byteLength }: Buffer): void => {
      own += byteLength;
      held += byteLength;
      const isTooMuch = held > MOST_BYTES && held > own;
      if (isTooMuch && payload.listenerCount('error') > 0) payload.emit('error', new Overloaded());
    };
    payload.on('data', count);
    response.once('close', () => {
      payload.off('data', count);
      held -= own;
    });
  });
}

function mayBeLarge(headers: IncomingHttpHeaders): boolean {
  const { 'content-length': length = 0, 'transfer-encoding': coding } = headers;
  return coding !== undefined || Number(length) > SMALL_BYTES;
}
