import type { Api } from './api';

/** Callers of each replica at a time. */
const CALLERS = 4;

export interface Sent {
  /** The ids of what got 202. */
  readonly accepted: string[];
  readonly byReplica: number[];
  readonly refused: number;
  readonly seconds: number;
  readonly slowestMs: number;
}

/** Sends single messages through every replica for some seconds, never waiting after a 429. */
export async function sendAsMuchAsPossible(
  apis: readonly Api[],
  tenantId: string,
  seconds: number,
): Promise<Sent> {
  const began = performance.now();
  const until = began + seconds * 1_000;
  const accepted: string[][] = apis.map(() => []);
  let refused = 0;
  let slowestMs = 0;
  const call = async (api: Api, ids: string[]): Promise<void> => {
    while (performance.now() < until) {
      const sentAt = performance.now();
      const id = await sendOne(api, tenantId);
      slowestMs = Math.max(slowestMs, performance.now() - sentAt);
      if (id) ids.push(id);
      else refused++;
    }
  };
  const callers = apis.flatMap((api, index) =>
    Array.from({ length: CALLERS }, () => call(api, accepted[index] as string[])),
  );
  await Promise.all(callers);
  const took = (performance.now() - began) / 1_000;
  const byReplica = accepted.map(({ length }) => length);
  return { accepted: accepted.flat(), byReplica, refused, seconds: took, slowestMs };
}

/** @returns its id, or undefined when it got 429; anything else fails the test */
async function sendOne(api: Api, tenantId: string): Promise<string | undefined> {
  const path = `/api/tenants/${tenantId}/messages`;
  const { status, body } = await api.request<{ id: string }>('POST', path, { payload: 1 });
  expect([202, 429]).toContain(status);
  return status === 202 ? body.id : undefined;
}
