import { BadRequestException, HttpException } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/**
 * Refuses what Node would refuse by itself, with an answer that is empty and that nobody hears of; see
 * `requireHostHeader` in `http-limits`.
 */
export function refuseInPlaceOfNode(fastify: FastifyInstance): void {
  const { server } = fastify;
  server.on('checkExpectation', (request, response) => {
    server.emit('request', request, response);
  });
  fastify.addHook('onRequest', (request, _reply, done) => done(faultOf(request)));
}

/** https://www.rfc-editor.org/rfc/rfc9112#section-3.2, https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1 */
function faultOf({ raw: { headers, httpVersion } }: FastifyRequest): Error | undefined {
  const { host, expect } = headers;
  if (host === undefined && httpVersion === '1.1')
    return new BadRequestException('A request of HTTP/1.1 names its host');
  if (expect !== undefined && !/^100-continue$/i.test(expect))
    return new HttpException('Nothing is expected here but 100-continue', 417);
  return undefined;
}
