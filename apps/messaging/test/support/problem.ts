import type { Answer, ProblemBody } from './api';

/** Fails unless the answer is a whole problem document with this status. */
export function expectProblem(answer: Answer, status: number, instance?: string): ProblemBody {
  const { headers } = answer;
  const body = answer.body as ProblemBody;
  expect({ status: answer.status, body }).toEqual({ status, body: expect.anything() as unknown });
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(body).toMatchObject({
    type: expect.stringMatching(/^(about:blank|urn:messaging:problem:[a-z-]+)$/) as unknown,
    title: expect.stringMatching(/./) as unknown,
    status,
    detail: expect.stringMatching(/./) as unknown,
    instance: instance ?? (expect.stringMatching(/^\//) as unknown),
    request_id: headers.get('x-request-id') ?? 'an x-request-id header',
  });
  for (const error of body.errors ?? []) expect(error.message).toMatch(/./);
  return body;
}

/** The fields that a problem names, in alphabetical order. */
export const fieldsOf = (body: ProblemBody): string[] =>
  (body.errors ?? []).map(({ field }) => field).sort();
