import type { Environment } from '@app/config';
import type { FastifyHttpOptions, FastifyInstance, RawServerDefault } from 'fastify';
import type { UnreadableRequests } from './unreadable-requests';
import { CONNECTION_DROPPED, type UnroutedRefusals } from './unrouted-refusals';

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
export function httpLimits(
  { REQUEST_TIMEOUT_MS: requestTimeout }: Environment,
  unreadable: UnreadableRequests,
): HttpLimits {
  const headersTimeout = Math.min(HEADERS_WITHIN_MS, requestTimeout);
  return {
    http: {
      headersTimeout,
      requestTimeout,
      connectionsCheckingInterval: LOOK_EVERY_MS,
      requireHostHeader: false,
    },
    requestTimeout,
    connectionTimeout: SILENT_AT_MOST_MS,
    clientErrorHandler: (error, socket) => unreadable.answer(error, socket),
  };
}

/** Beyond `MAX_CONNECTIONS` a new one is closed at once; those that nobody uses make room for the next. */
export function limitConnections(
  { server }: FastifyInstance,
  { MAX_CONNECTIONS }: Environment,
  refusals: UnroutedRefusals,
): void {
  let madeRoomAt = 0;
  server.maxConnections = MAX_CONNECTIONS;
  server.on('drop', () => {
    refusals.tell({ reason: CONNECTION_DROPPED });
    if (performance.now() - madeRoomAt < MAKE_ROOM_EVERY_MS) return;
    madeRoomAt = performance.now();
    server.closeIdleConnections();
  });
}
