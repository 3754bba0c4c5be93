import { Injectable } from '@nestjs/common';
import { Database } from '@app/database';
import type { Tenant } from './tenant.entity';

export type ConsumerState = 'running' | 'starting' | 'paused' | 'stopped';

export interface ConsumerStatus {
  readonly state: ConsumerState;
  /** 0 when nothing runs. */
  readonly workersApplied: number;
  /** The id of the replica that consumes the tenant, or null. */
  readonly owner: string | null;
}

/** A replica that has not been heard of for this long is taken for dead, by the database's clock. */
export const HEARTBEAT_FRESH_MS = 5_000;
export const HEARTBEAT_FRESH = `${HEARTBEAT_FRESH_MS} milliseconds`;

/** One row: what the tenant's owner says, if it lives, and whether anybody lives who could own it. */
const REPORT = {
  name: 'consumer-report',
  text: `
    WITH alive AS (
      SELECT replica_id, steady_since FROM replicas
      WHERE heartbeat_at > clock_timestamp() - interval '${HEARTBEAT_FRESH}'
    )
    SELECT l.state, coalesce(l.workers_applied, 0) AS workers_applied, l.replica_id,
      EXISTS (SELECT FROM alive WHERE steady_since IS NOT NULL) AS is_awaited
    FROM (SELECT $1::uuid AS tenant_id) t LEFT JOIN (
      tenant_leases JOIN alive USING (replica_id)
    ) l USING (tenant_id)`,
};

interface Report {
  readonly state: 'running' | 'starting' | null;
  readonly workers_applied: number;
  readonly replica_id: string | null;
  readonly is_awaited: boolean;
}

/** What runs, as the replica that runs it reports; see `consumer-reporter.service` for the other end. */
@Injectable()
export class ConsumerReports {
  constructor(private readonly database: Database) {}

  async statusOf(tenant: Tenant): Promise<ConsumerStatus> {
    const [report] = await this.database.run<Report>(REPORT, [tenant.tenantId]);
    return {
      state: stateOf(tenant, report),
      workersApplied: report?.workers_applied ?? 0,
      owner: report?.replica_id ?? null,
    };
  }
}

function stateOf({ status }: Tenant, report: Report | undefined): ConsumerState {
  if (status === 'paused') return 'paused';
  return report?.state ?? (report?.is_awaited ? 'starting' : 'stopped');
}
