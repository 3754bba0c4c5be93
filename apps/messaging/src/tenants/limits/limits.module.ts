import { Module } from '@nestjs/common';
import { Admission } from './admission';
import { Backlog } from './backlog';
import { DatabaseBreaker } from './database-breaker';
import { RateBuckets } from './rate-buckets';
import { RateLimiter } from './rate-limiter';
import { TenantLimits } from './tenant-limits';

/** What each tenant may send, and who keeps to it. */
@Module({
  providers: [Admission, Backlog, DatabaseBreaker, RateBuckets, RateLimiter, TenantLimits],
  exports: [Admission, TenantLimits],
})
export class LimitsModule {}
