import { Injectable } from '@nestjs/common';
import { Database } from '@app/database';
import type { Tenant } from './tenant.entity';

export type ConsumerState = 'running' | 'starting' | 'paused' | 'stopped';

export interface ConsumerStatus {
  readonly state: ConsumerState;
  /** While replicas differ, the value of one that has not caught up; 0 when nothing runs. */
  readonly workersApplied: number;
}

/** A replica that has not been heard of for this long is taken for dead, by the database's clock. */
const FRESH = `10 seconds`;

/** One row: what the living replicas say about a tenant's consumer, the laggards first. */
const REPORT = {
  name: 'consumer-report',
  text: `
    SELECT c.state, c.workers_applied
    FROM consumer_reports c JOIN replicas r USING (replica_id)
    WHERE c.tenant_id = $1 AND r.heartbeat_at > clock_timestamp() - interval '${FRESH}'
    ORDER BY (c.state = 'running') DESC, (c.workers_applied <> $2) DESC
    LIMIT 1`,
};

/** What runs, as the replicas report it; see `replica.service` for the other end. */
@Injectable()
export class ConsumerReports {
  constructor(private readonly database: Database) {}

  async statusOf(tenant: Tenant): Promise<ConsumerStatus> {
    const [report] = await this.database.run<{
      state: 'running' | 'starting';
      workers_applied: number;
    }>(REPORT, [tenant.tenantId, tenant.workers]);
    if (report) return { state: report.state, workersApplied: report.workers_applied };
    return { state: tenant.status === 'paused' ? 'paused' : 'stopped', workersApplied: 0 };
  }
}
