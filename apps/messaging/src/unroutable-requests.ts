import type { FastifyReply, FastifyRequest } from 'fastify';
import { requestFields } from './logging';
import { asProblem, plainProblem, PROBLEM_TYPE, reasonOf } from './problem';
import { secure } from './security-headers';
import type { UnroutedRefusals } from './unrouted-refusals';

type AnswerTo = (error: Error, request: FastifyRequest, reply: FastifyReply) => void;

/** Answers what the router itself refuses, a path that is no UTF-8 say, before any of Nest's filters. */
export const answerUnroutable =
  (refusals: UnroutedRefusals): AnswerTo =>
  (error, request, reply) => {
    const { statusCode = 400 } = error as { statusCode?: number };
    const body = plainProblem(statusCode, error.message);
    secure(reply, request.url);
    reply.header('x-request-id', request.id).status(statusCode);
    reply.type(PROBLEM_TYPE).send(JSON.stringify(asProblem(body, request)));
    refusals.tell({ reason: reasonOf(body), line: lineOf(request, reply) });
  };

/** What every other line of a request says, for one that passes by the hook that writes them. */
export const lineOf = ({ id, raw: req }: FastifyRequest, { raw: res }: FastifyReply): object =>
  requestFields(req, res, { request_id: id, res });
