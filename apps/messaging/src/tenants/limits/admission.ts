import { Injectable } from '@nestjs/common';
import { InvalidInput } from '../../invalid-input';
import { Backlog } from './backlog';
import { BacklogFull, RateLimited } from './limit.errors';
import type { Quota } from './quota';
import { RateLimiter } from './rate-limiter';
import { TenantLimits } from './tenant-limits';

type Publish = () => Promise<void>;

/** Lets messages through as far as their tenant's limits allow: all of a call's, or none. */
@Injectable()
export class Admission {
  constructor(
    private readonly limits: TenantLimits,
    private readonly rates: RateLimiter,
    private readonly backlog: Backlog,
  ) {}

  /**
   * Publishes `count` messages of a tenant when its limits allow it.
   *
   * @returns what is left of each limit; nothing for a tenant without any
   * @throws TenantNotFound, RateLimited, BacklogFull, and InvalidInput for what no waiting would help; then nothing
   *   is published. What `publish` throws; what it took of the rate is gone then.
   */
  async admit(tenantId: string, count: number, publish: Publish): Promise<Quota[]> {
    const limits = this.limits.of(tenantId);
    const { rateLimit, maxBacklog } = limits instanceof Promise ? await limits : limits;
    if (rateLimit === null && maxBacklog === null) {
      await publish();
      return [];
    }
    const mostAtOnce = Math.min(rateLimit ?? Infinity, maxBacklog ?? Infinity);
    if (count > mostAtOnce) throw tooManyAtOnce(mostAtOnce);
    const paced = (): Promise<Quota[]> => this.withinRate(tenantId, rateLimit, count, publish);
    return maxBacklog === null ? paced() : this.withinBacklog(tenantId, maxBacklog, count, paced);
  }

  private async withinRate(
    tenantId: string,
    rate: number | null,
    count: number,
    publish: Publish,
  ): Promise<Quota[]> {
    const quotas = rate === null ? [] : [await this.takeOfRate(tenantId, rate, count)];
    await publish();
    return quotas;
  }

  private async takeOfRate(tenantId: string, rate: number, count: number): Promise<Quota> {
    const taken = await this.rates.take(tenantId, rate, count);
    const quota: Quota = { policy: 'default', limit: rate, remaining: taken.remaining };
    if (taken.kind === 'refused') throw new RateLimited(tenantId, taken.afterMs, quota);
    return quota;
  }

  private withinBacklog(
    tenantId: string,
    most: number,
    count: number,
    paced: () => Promise<Quota[]>,
  ): Promise<Quota[]> {
    return this.backlog.during(tenantId, most, count, async ({ kind, waiting }) => {
      const left = most - waiting;
      const quota = (remaining: number): Quota => ({ policy: 'backlog', limit: most, remaining });
      if (kind === 'full') throw new BacklogFull(tenantId, waiting, quota(left));
      return [...(await paced()), quota(left - count)];
    });
  }
}

/** More than the bucket ever holds, or than may ever wait. */
function tooManyAtOnce(most: number): InvalidInput {
  const message = `must hold at most ${most} messages, as the tenant's limits are`;
  return new InvalidInput([{ field: 'messages', message }]);
}
