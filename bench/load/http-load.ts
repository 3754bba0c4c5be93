/** Puts load on an HTTP server, from a process of its own, and reports what came of it. */
import autocannon from 'autocannon';
import { job, report } from '../support/job';

export interface HttpLoad {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly paths: readonly string[];
  readonly body?: string;
  readonly connections: number;
  readonly seconds: number;
  /** Requests a second; without it as many as there can be. */
  readonly rate?: number;
}

export interface HttpResult {
  /** Answers with a success, a second. */
  readonly rate: number;
  /** Such answers in all, those of the warm-up too. */
  readonly answered: number;
  readonly failed: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

const WARM_UP_SECONDS = 2;

async function main(): Promise<void> {
  const load = job() as HttpLoad;
  // A server that has just started is still being compiled.
  const warmUp = load.rate === undefined ? (await run(load, WARM_UP_SECONDS))['2xx'] : 0;
  const result = await run(load, load.seconds);
  report({
    rate: result['2xx'] / result.duration,
    answered: warmUp + result['2xx'],
    failed: result.non2xx + result.errors + result.timeouts,
    p50: result.latency.p50,
    p99: result.latency.p99,
  } satisfies HttpResult);
}

async function run(load: HttpLoad, duration: number): Promise<autocannon.Result> {
  const { url, method, paths, body, connections, rate } = load;
  const headers = body === undefined ? {} : { 'content-type': 'application/json' };
  const requests = paths.map((path) => ({ method, path, headers, ...(body && { body }) }));
  const overall = rate === undefined ? {} : { overallRate: rate };
  return autocannon({ url, connections, duration, requests, ...overall });
}

void main();
