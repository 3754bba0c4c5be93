import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** What is still taken from the wire, and dropped, of a body that was answered already. */
const DISCARD_BYTES = 64 * 1024 * 1024;
const DISCARD_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 50;

/** Connections on which the rest of such a body is dropped. */
const answered = new WeakSet<Socket>();

export const wasAnswered = (socket: Socket): boolean => answered.has(socket);

/**
 * Lets an answer that comes before the whole body (413, 415, 404) reach callers who read only when
 * they have sent everything. Closing while bytes are unread resets the connection, and the answer is
 * lost with it: so the connection stays, and Node's parser drops the rest, chunk by chunk, up to a
 * bound of bytes and of time.
 *
 * https://www.rfc-editor.org/rfc/rfc9112#section-9.6
 */
export function dropUnreadBodies(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (request, reply, payload, done) => {
    if (!request.raw.complete) keepConnection(reply);
    done(null, payload);
  });
  fastify.addHook('onResponse', (request, _reply, done) => {
    if (!request.raw.complete) dropRest(request);
    done();
  });
}

/** Fastify would close it after a body that it refused, Node when the caller asked for that. */
function keepConnection(reply: FastifyReply): void {
  reply.removeHeader('connection');
  reply.raw.shouldKeepAlive = true;
}

function dropRest({ raw }: FastifyRequest): void {
  const { socket } = raw;
  const mostBytes = socket.bytesRead + DISCARD_BYTES;
  const deadline = performance.now() + DISCARD_WITHIN_MS;
  answered.add(socket);
  raw.resume();
  const timer = setInterval(() => {
    const over = socket.bytesRead > mostBytes || performance.now() > deadline;
    if (!raw.complete && !socket.destroyed && !over) return;
    clearInterval(timer);
    answered.delete(socket);
    if (!raw.complete) socket.destroy();
    else if (!wantsToStay(raw)) socket.end();
  }, LOOK_EVERY_MS);
  timer.unref();
}

const wantsToStay = ({ headers, httpVersionMinor }: IncomingMessage): boolean =>
  httpVersionMinor > 0 && !/\bclose\b/i.test(headers.connection ?? '');
