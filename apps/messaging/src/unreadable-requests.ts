import type { Socket } from 'node:net';
import type { ConnectionError, FastifyInstance, FastifyReply } from 'fastify';
import { uuidv7 } from 'uuidv7';
import {
  asProblem,
  plainProblem,
  PROBLEM_TYPE,
  type Problem,
  type ProblemBody,
  problemOf,
  reasonOf,
} from './problem';
import { willBeLogged } from './request-facts';
import { securityHeaders } from './security-headers';
import { wasAnswered } from './unread-bodies';
import type { UnroutedRefusals } from './unrouted-refusals';

/** The caller went away, by a reset or in the middle of a request: nobody is refused. */
const GONE: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'HPE_INVALID_EOF_STATE']);

/** Answers what Node's parser refuses, or waited for in vain: there is no request, or half of one. */
export class UnreadableRequests {
  /** The request that came last on a connection, until it is answered. */
  private readonly underWay = new WeakMap<Socket, FastifyReply>();

  constructor(private readonly refusals: UnroutedRefusals) {}

  /** Has half a request refused under its own id and path. */
  watch(fastify: FastifyInstance): void {
    fastify.addHook('onRequest', ({ raw }, reply, done) => {
      this.underWay.set(raw.socket, reply);
      done();
    });
    fastify.addHook('onResponse', ({ raw }, reply, done) => {
      if (this.underWay.get(raw.socket) === reply) this.underWay.delete(raw.socket);
      done();
    });
  }

  answer(error: ConnectionError, socket: Socket): void {
    const half = this.halfOn(socket);
    const isAnswered = wasAnswered(socket) || half?.raw.headersSent;
    if (socket.writable && !GONE.has(error.code) && !isAnswered)
      this.refuse(problemFor(error), socket, half);
    socket.destroy();
  }

  /** The request of which the rest is missing; one that came whole has no part in what follows it. */
  private halfOn(socket: Socket): FastifyReply | undefined {
    const reply = this.underWay.get(socket);
    return reply?.request.raw.complete ? undefined : reply;
  }

  private refuse(body: ProblemBody, socket: Socket, half: FastifyReply | undefined): void {
    const { id, url } = half?.request ?? { id: uuidv7(), url: '/' };
    const problem = asProblem(body, { id, url });
    socket.write(rawAnswer(problem));
    if (half) markAnswered(half, problem);
    const line = half && willBeLogged(half.request) ? {} : { line: lineOf(problem) };
    this.refusals.tell({ reason: reasonOf(body), ...line });
  }
}

/** Nobody else answers it, and its line of the log, which is written as it closes, knows the status. */
function markAnswered(reply: FastifyReply, { status }: Problem): void {
  reply.hijack();
  reply.raw.writeHead(status);
}

/** The log takes a status from what was sent alone. */
const lineOf = ({ request_id, status }: Problem): object => ({
  request_id,
  res: { statusCode: status, headersSent: true },
});

function problemFor({ code }: ConnectionError): ProblemBody {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return problemOf('request-timeout', 'The request did not arrive in time');
  if (code === 'HPE_HEADER_OVERFLOW') return plainProblem(431, 'The headers are too large');
  return plainProblem(400, 'This is not HTTP');
}

function rawAnswer(problem: Problem): string {
  const body = JSON.stringify(problem);
  const headers = {
    'content-type': PROBLEM_TYPE,
    'content-length': Buffer.byteLength(body),
    'x-request-id': problem.request_id,
    ...securityHeaders(problem.instance),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${problem.status} ${problem.title}`, ...lines, '', body].join('\r\n');
}
