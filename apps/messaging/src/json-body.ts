import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseKeepingPayloads } from './messages/raw-json';

/** The body is not JSON; says where. */
export class MalformedJson extends Error {
  constructor(reason: string) {
    super(`The body is not valid JSON: ${reason}`);
    this.name = 'MalformedJson';
  }
}

/** Reads JSON bodies, keeping payloads as the text that came. */
export function registerJsonBody(fastify: FastifyInstance): void {
  // Fastify takes plain text too, which no call here does.
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    (_request: FastifyRequest, body: Buffer, done) => {
      try {
        done(null, parseBody(body));
      } catch (error) {
        done(error as Error);
      }
    },
  );
}

/** @throws MalformedJson. No body at all is fine: some clients name the type of nothing. */
export function parseBody(body: Buffer): unknown {
  if (body.byteLength === 0) return undefined;
  if (!isUtf8(body)) throw new MalformedJson('it is not UTF-8');
  try {
    return parseKeepingPayloads(body.toString());
  } catch (error) {
    throw new MalformedJson(error instanceof Error ? error.message : String(error));
  }
}
