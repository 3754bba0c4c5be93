import type { Answer, Api, ProblemBody } from './api';
import { timed } from './timed';

/** The contract's: a broker that cannot take a message is told of within this time. */
export const REFUSED_WITHIN_MS = 2_000;

type Refusal = Answer<ProblemBody> & { tookMs: number };

/** Sends a message that the broker cannot take now, and times the answer. */
export function sendInVain(api: Api, tenantId: string, payload: unknown = 1): Promise<Refusal> {
  return timed(api.request('POST', `/api/tenants/${tenantId}/messages`, { payload }));
}

/** "503 with `Retry-After` within 2 s." */
export function expectRefusal({ status, headers, body, tookMs }: Refusal): void {
  expect(status).toBe(503);
  expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  expect(headers.get('content-type')).toContain('application/problem+json');
  expect(body.detail).toContain('broker');
  expect(tookMs).toBeLessThan(REFUSED_WITHIN_MS);
}
