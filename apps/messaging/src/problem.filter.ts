import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  Logger,
} from '@nestjs/common';
import { BrokerUnavailable } from '@app/broker';
import { isDatabaseUnavailable } from '@app/database';
import type { Metrics } from '@app/metrics';
import { InvalidCursor } from '@app/paging';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  Forbidden,
  KeyServerUnavailable,
  StandingUnknown,
  TokensNotIssued,
  Unauthorized,
} from './auth/auth.errors';
import { challengeFor } from './auth/challenge';
import { DeadLetterNotFound } from './dead-letters/dead-letter.errors';
import { NotReady } from './health/not-ready';
import { InvalidInput } from './invalid-input';
import { MalformedJson } from './json-body';
import { MetricsTokenWrong } from './metrics/metrics-token.guard';
import { MessageNotFound, MessageTooLarge } from './messages/message.errors';
import {
  asProblem,
  plainProblem,
  PROBLEM_TYPE,
  type ProblemBody,
  problemKinds,
  problemOf,
  reasonOf,
} from './problem';
import { Stopping } from './stopping-refusals';
import { LimitExceeded } from './tenants/limits/limit.errors';
import { willBeLogged } from './request-facts';
import { secure } from './security-headers';
import { quotaHeaders } from './tenants/limits/quota';
import { TenantNameTaken, TenantNotFound } from './tenants/tenant.errors';
import { lineOf } from './unroutable-requests';

/** What is down is tried again within this time; so may the caller. */
const RETRY_AFTER_SECONDS = 1;

/** The one place where errors become HTTP answers. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  /** Every kind is there from the start: a rate needs the zero before the first one. */
  constructor(private readonly metrics: Metrics) {
    for (const reason of Object.keys(problemKinds)) metrics.refused.inc({ reason }, 0);
  }

  catch(error: unknown, host: ArgumentsHost): void {
    // An event that fails has nobody to answer to.
    if (host.getType() !== 'http') return this.report(error);
    const http = host.switchToHttp();
    this.answer(error, http.getRequest(), http.getResponse());
  }

  private answer(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const body = problemFor(error);
    if (isRefusal(error, reply)) this.metrics.refused.inc({ reason: reasonOf(body) });
    if (body.status === 500) this.report(error);
    if (error instanceof LimitExceeded) tellOfLimit(error, reply);
    const challenge = challengeFor(error);
    if (challenge) reply.header('www-authenticate', challenge);
    if (body.status === 503) reply.header('retry-after', RETRY_AFTER_SECONDS);
    // The router runs no hooks for a path that it cannot decode, with a method that nothing here has.
    secure(reply, request.url);
    if (!willBeLogged(request)) reply.raw.once('finish', () => this.tellOf(request, reply));
    reply
      .header('x-request-id', request.id)
      .status(body.status)
      .type(PROBLEM_TYPE)
      .send(JSON.stringify(asProblem(body, request)));
  }

  private tellOf(request: FastifyRequest, reply: FastifyReply): void {
    this.logger.log({ ...lineOf(request, reply), msg: 'request refused' });
  }

  private report(error: unknown): void {
    this.logger.error(error instanceof Error ? error : String(error));
  }
}

/** A probe that hears "not ready" was answered; and a caller who is gone hears nothing. */
const isRefusal = (error: unknown, { raw }: FastifyReply): boolean =>
  !(error instanceof NotReady) && !raw.destroyed;

function tellOfLimit({ retryAfterSeconds, quota }: LimitExceeded, reply: FastifyReply): void {
  reply.header('retry-after', retryAfterSeconds).headers(quotaHeaders([quota]));
}

function problemFor(error: unknown): ProblemBody {
  return known(error) ?? notLetIn(error) ?? unavailable(error) ?? fromHttp(error);
}

function known(error: unknown): ProblemBody | undefined {
  if (!(error instanceof Error)) return undefined;
  const detail = error.message;
  if (error instanceof InvalidInput)
    return problemOf('invalid-input', detail, { errors: error.errors });
  if (error instanceof MalformedJson) return problemOf('malformed-json', detail);
  if (error instanceof InvalidCursor)
    return problemOf('invalid-cursor', detail, cursorField(detail));
  if (error instanceof MetricsTokenWrong) return problemOf('metrics-token', detail);
  if (error instanceof TenantNotFound) return problemOf('tenant-not-found', detail);
  if (error instanceof MessageNotFound) return problemOf('message-not-found', detail);
  if (error instanceof DeadLetterNotFound) return problemOf('dead-letter-not-found', detail);
  if (error instanceof TenantNameTaken) return problemOf('tenant-name-taken', detail);
  if (error instanceof LimitExceeded) return problemOf(error.kind, detail);
  if (error instanceof MessageTooLarge) return problemOf('message-too-large', detail);
  if (error instanceof Stopping) return problemOf('stopping', detail);
  if (error instanceof NotReady) return problemOf('not-ready', detail, { checks: error.checks });
  return undefined;
}

function notLetIn(error: unknown): ProblemBody | undefined {
  if (error instanceof Unauthorized) return problemOf('unauthorized', error.message);
  if (error instanceof Forbidden) return problemOf('forbidden', error.message);
  if (error instanceof TokensNotIssued) return problemOf('tokens-not-issued', error.message);
  if (error instanceof StandingUnknown) return problemOf('database-unavailable', error.message);
  if (error instanceof KeyServerUnavailable)
    return problemOf('key-server-unavailable', error.message);
  return undefined;
}

const cursorField = (message: string): object => ({ errors: [{ field: 'cursor', message }] });

function unavailable(error: unknown): ProblemBody | undefined {
  if (error instanceof BrokerUnavailable) return problemOf('broker-unavailable', error.message);
  if (!isDatabaseUnavailable(error)) return undefined;
  return problemOf('database-unavailable', 'The database does not answer; try again');
}

/** Nest's and Fastify's own: no such route, a wrong content type, a body over the limit. */
function fromHttp(error: unknown): ProblemBody {
  if (!(error instanceof HttpException)) return plainProblem(500, 'Something went wrong here');
  const status = error.getStatus();
  const { message } = error;
  if (status === 413) return problemOf('message-too-large', message);
  if (status === 415)
    return problemOf('unsupported-media-type', `${message}; send application/json`);
  return plainProblem(status, message);
}
