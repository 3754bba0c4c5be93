import { setTimeout as delay } from 'node:timers/promises';
import { percentile } from './figures';
import type { MeasuredProcess } from './process';

/** Milliseconds. */
export interface Probe {
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

const PAUSE_MS = 20;
const NOT_FOUND = 404;

export const summaryOf = (times: readonly number[]): Probe => ({
  p50: percentile(times, 50),
  p95: percentile(times, 95),
  max: percentile(times, 100),
});

/**
 * How long it takes from sending a message until it can be read, one at a time, for `forMs`. Each is sent
 * `pauseMs` after the one before could be read.
 */
export async function readableAfter(
  service: MeasuredProcess,
  tenantId: string,
  forMs: number,
  pauseMs = PAUSE_MS,
): Promise<Probe> {
  const times: number[] = [];
  const end = performance.now() + forMs;
  while (performance.now() < end) {
    times.push(await timeToReadable(service, tenantId));
    await delay(pauseMs);
  }
  return summaryOf(times);
}

/** From publishing a message: it is asked for again and again, without a pause that would be in the figure. */
export async function timeToReadable(service: MeasuredProcess, tenantId: string): Promise<number> {
  const path = `/api/tenants/${tenantId}/messages`;
  const start = performance.now();
  const { id } = await service.call<{ id: string }>('POST', path, { payload: 'probe' });
  for (;;) {
    const answer = await service.request('GET', `${path}/${id}`);
    if (answer.ok) return performance.now() - start;
    if (answer.status !== NOT_FOUND) throw new Error(`GET ${path}: ${answer.status}`);
  }
}

/** @throws when it failed, as do the others */
export async function timePublish(service: MeasuredProcess, tenantId: string): Promise<number> {
  const start = performance.now();
  await service.call('POST', `/api/tenants/${tenantId}/messages`, { payload: 'probe' });
  return performance.now() - start;
}

/** How long it takes to read the first page. */
export async function timeFirstPage(service: MeasuredProcess, tenantId: string): Promise<number> {
  const start = performance.now();
  await service.call('GET', `/api/tenants/${tenantId}/messages`);
  return performance.now() - start;
}

/** Calls of one kind, one after the other, until `ended`: how long each took, and how many failed. */
export class Probing {
  readonly times: number[] = [];
  failed = 0;
  private ended = false;
  private readonly loop: Promise<void>;

  /** @param timeOne does the call; @returns how long it took, in milliseconds */
  constructor(private readonly timeOne: () => Promise<number>) {
    this.loop = this.probe();
  }

  async end(): Promise<Probe> {
    this.ended = true;
    await this.loop;
    return summaryOf(this.times);
  }

  private async probe(): Promise<void> {
    while (!this.ended) {
      await this.timeOne().then(
        (time) => this.times.push(time),
        () => this.failed++,
      );
      await delay(PAUSE_MS);
    }
  }
}
