import type { HealthIndicatorResult } from '@nestjs/terminus';

/** Something that this process needs is down, or it is going down itself. */
export class NotReady extends Error {
  constructor(readonly checks: HealthIndicatorResult) {
    const down = Object.entries(checks)
      .filter(([, check]) => check.status === 'down')
      .map(([name]) => name);
    super(`Down: ${down.join(', ')}`);
    this.name = 'NotReady';
  }
}
