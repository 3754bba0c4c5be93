import type { Socket } from 'node:net';
import type { Environment } from '@app/config';
import type {
  ConnectionError,
  FastifyHttpOptions,
  FastifyInstance,
  RawServerDefault,
} from 'fastify';
import { uuidv7 } from 'uuidv7';
import { asProblem, plainProblem, PROBLEM_TYPE, type ProblemBody, problemOf } from './problem';
import { wasAnswered } from './unread-bodies';

/** The longest that a caller may take for the headers of a request, or for nothing at all. */
const HEADERS_WITHIN_MS = 20_000;

/** How long a connection may carry nothing while a request is under way or an answer is unread. */
const SILENT_AT_MOST_MS = 120_000;

/** How late a request may be noticed to be late. */
const LOOK_EVERY_MS = 1_000;

/** At most this often are all connections looked through for those that nobody uses. */
const MAKE_ROOM_EVERY_MS = 100;

type HttpLimits = Pick<
  FastifyHttpOptions<RawServerDefault>,
  'http' | 'requestTimeout' | 'connectionTimeout' | 'clientErrorHandler'
>;

/**
 * What a caller may take of the server's time to be heard. Whoever sends too slowly is answered with
 * 408 and cut off. Fastify's own default is to wait for ever; kept-alive connections without a
 * request are closed after its 72 s, longer than the usual proxy keeps them.
 */
export function httpLimits({ REQUEST_TIMEOUT_MS: requestTimeout }: Environment): HttpLimits {
  const headersTimeout = Math.min(HEADERS_WITHIN_MS, requestTimeout);
  return {
    http: { headersTimeout, requestTimeout, connectionsCheckingInterval: LOOK_EVERY_MS },
    requestTimeout,
    connectionTimeout: SILENT_AT_MOST_MS,
    clientErrorHandler: answerUnreadable,
  };
}

/** Beyond `MAX_CONNECTIONS` a new one is closed at once; those that nobody uses make room for the next. */
export function limitConnections(
  { server }: FastifyInstance,
  { MAX_CONNECTIONS }: Environment,
): void {
  let madeRoomAt = 0;
  server.maxConnections = MAX_CONNECTIONS;
  server.on('drop', () => {
    if (performance.now() - madeRoomAt < MAKE_ROOM_EVERY_MS) return;
    madeRoomAt = performance.now();
    server.closeIdleConnections();
  });
}

/** What Node's parser refuses, or waited for in vain, before there is a request to answer. */
function answerUnreadable(error: ConnectionError, socket: Socket): void {
  const mayAnswer = socket.writable && error.code !== 'ECONNRESET' && !wasAnswered(socket);
  if (mayAnswer) socket.write(rawAnswer(unreadable(error)));
  socket.destroy();
}

function unreadable({ code }: ConnectionError): ProblemBody {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return problemOf('request-timeout', 'The request did not arrive in time');
  if (code === 'HPE_HEADER_OVERFLOW') return plainProblem(431, 'The headers are too large');
  return plainProblem(400, 'This is not HTTP');
}

function rawAnswer(problem: ProblemBody): string {
  const id = uuidv7();
  const body = JSON.stringify(asProblem(problem, { url: '/', id }));
  return [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${id}`,
    'connection: close',
    '',
    body,
  ].join('\r\n');
}
