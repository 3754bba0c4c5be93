import { Agent, request } from 'node:http';
import { text as wholeOf } from 'node:stream/consumers';

export interface Answer {
  readonly status: number;
  readonly ok: boolean;
  readonly text: string;
}

/** Every call has one; a hanging one would hold up the run for ever. */
const ANSWER_WITHIN_MS = 60_000;

const agent = new Agent({ keepAlive: true });

/**
 * A call whose answer is there as a whole. `fetch` would take some of the time that a benchmark measures
 * for itself, on the cores that it shares with the service.
 */
export function httpCall(method: string, url: string, body?: unknown): Promise<Answer> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = text !== undefined && {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  };
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const call = request(url, { method, agent, signal, ...(headers && { headers }) });
    call.on('response', (response) => {
      const { statusCode: status = 0 } = response;
      const ok = status >= 200 && status < 300;
      wholeOf(response).then((answer) => resolve({ status, ok, text: answer }), reject);
    });
    call.on('error', reject);
    call.end(text);
  });
}
