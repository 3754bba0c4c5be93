import { setTimeout as delay } from 'node:timers/promises';
import { percentile } from './figures';
import type { MeasuredProcess } from './process';

/** Milliseconds. */
export interface Probe {
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

const EVERY_MS = 20;

export const summaryOf = (times: readonly number[]): Probe => ({
  p50: percentile(times, 50),
  p95: percentile(times, 95),
  max: percentile(times, 100),
});

/** How long it takes from sending a message until it can be read, one at a time, for `forMs`. */
export async function readableAfter(
  service: MeasuredProcess,
  tenantId: string,
  forMs: number,
): Promise<Probe> {
  const times: number[] = [];
  const end = performance.now() + forMs;
  while (performance.now() < end) {
    times.push(await timeOne(service, tenantId));
    await delay(EVERY_MS);
  }
  return summaryOf(times);
}

/** It is asked for again and again, without a pause that would be in the figure. */
async function timeOne(service: MeasuredProcess, tenantId: string): Promise<number> {
  const path = `/api/tenants/${tenantId}/messages`;
  const start = performance.now();
  const { id } = await service.call<{ id: string }>('POST', path, { payload: 'probe' });
  for (;;) {
    const answer = await service.request('GET', `${path}/${id}`);
    await answer.arrayBuffer();
    if (answer.ok) return performance.now() - start;
  }
}

/** Single messages, one after the other, until `ended`: how long each took, and how many failed. */
export class Publishing {
  readonly times: number[] = [];
  failed = 0;
  private ended = false;
  private readonly loop: Promise<void>;

  constructor(
    private readonly service: MeasuredProcess,
    private readonly tenantId: string,
  ) {
    this.loop = this.publish();
  }

  async end(): Promise<Probe> {
    this.ended = true;
    await this.loop;
    return summaryOf(this.times);
  }

  private async publish(): Promise<void> {
    const path = `/api/tenants/${this.tenantId}/messages`;
    while (!this.ended) {
      const start = performance.now();
      const sent = await this.service.call('POST', path, { payload: 'probe' }).then(
        () => true,
        () => false,
      );
      if (sent) this.times.push(performance.now() - start);
      else this.failed++;
      await delay(EVERY_MS);
    }
  }
}
