import { Injectable } from '@nestjs/common';
import { BoundedMap } from './bounded-map';
import { DatabaseBreaker } from './database-breaker';
import { RateBuckets } from './rate-buckets';
import { RateLease, type Taken } from './rate-lease';

const MOST_TENANTS = 50_000;

/** What of the tenants' rates this process holds; only of those that have one. */
@Injectable()
export class RateLimiter {
  private readonly leases = new BoundedMap<string, RateLease>(MOST_TENANTS);

  constructor(
    private readonly buckets: RateBuckets,
    private readonly breaker: DatabaseBreaker,
  ) {}

  /** Takes the right to accept `count` messages, at most `rate`, of a tenant: for all or for none. */
  take(tenantId: string, rate: number, count: number): Promise<Taken> {
    return this.leaseOf(tenantId, rate).take(count);
  }

  private leaseOf(tenantId: string, rate: number): RateLease {
    const lease = this.leases.get(tenantId);
    if (lease?.rate === rate) return lease;
    const take: ConstructorParameters<typeof RateLease>[1] = (want) =>
      this.buckets.take(tenantId, rate, want);
    return this.leases.set(tenantId, new RateLease(rate, take, this.breaker));
  }
}
