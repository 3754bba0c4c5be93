import type { Quota } from './quota';

/** Something is more than its limit allows just now; later it may not be. */
export abstract class LimitExceeded extends Error {
  abstract readonly kind: 'rate-limited' | 'backlog-full';

  protected constructor(
    message: string,
    readonly retryAfterSeconds: number,
    readonly quota: Quota,
  ) {
    super(`${message}; try again in ${retryAfterSeconds} s`);
  }
}

/** The tenant's `rate_limit` is used up for the moment. */
export class RateLimited extends LimitExceeded {
  readonly kind = 'rate-limited';

  constructor(
    readonly tenantId: string,
    afterMs: number,
    quota: Quota,
  ) {
    const message = `The tenant may send ${quota.limit} messages a second`;
    super(message, Math.max(1, Math.ceil(afterMs / 1_000)), quota);
    this.name = 'RateLimited';
  }
}

/** As many messages wait as the tenant's `max_backlog` allows, or nearly. */
export class BacklogFull extends LimitExceeded {
  readonly kind = 'backlog-full';

  constructor(
    readonly tenantId: string,
    waiting: number,
    quota: Quota,
  ) {
    super(`${waiting} messages of the tenant wait, of ${quota.limit} that may`, 1, quota);
    this.name = 'BacklogFull';
  }
}
