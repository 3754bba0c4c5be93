import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { HEARTBEAT_FRESH } from '../../apps/messaging/src/tenants/consumer-reports';

/** How many tenants each replica consumes; those that say that they live, and no others. */
export type Consumed = ReadonlyMap<string, number>;

const LOOK_MS = 20;
const STUCK_AFTER_MS = 60_000;

const CONSUMED = `
  SELECT replica_id, count(tenant_id) FILTER (WHERE state = 'running')::int AS tenants
  FROM replicas LEFT JOIN tenant_leases USING (replica_id)
  WHERE heartbeat_at > clock_timestamp() - interval '${HEARTBEAT_FRESH}'
  GROUP BY replica_id`;

/** The database is asked: a thousand calls, again and again, would cost more than what is measured. */
export async function consumed(client: Client): Promise<Consumed> {
  const { rows } = await client.query<{ replica_id: string; tenants: number }>(CONSUMED);
  return new Map(rows.map(({ replica_id, tenants }) => [replica_id, tenants]));
}

/** The replica of each tenant that has one. */
export async function owners(client: Client): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ tenant_id: string; replica_id: string }>(
    'SELECT tenant_id, replica_id FROM tenant_leases',
  );
  return new Map(rows.map(({ tenant_id, replica_id }) => [tenant_id, replica_id]));
}

export async function untilConsumed(
  client: Client,
  isRight: (consumed: Consumed) => boolean,
): Promise<Consumed> {
  const deadline = performance.now() + STUCK_AFTER_MS;
  while (performance.now() < deadline) {
    const now = await consumed(client);
    if (isRight(now)) return now;
    await delay(LOOK_MS);
  }
  throw new Error(`After ${STUCK_AFTER_MS} ms: ${JSON.stringify([...(await consumed(client))])}`);
}

/** Whether so many replicas consume all `tenants`, and none is further than `apart` of it from its share. */
export function areShared(
  consumed: Consumed,
  { tenants, replicas, apart }: { tenants: number; replicas: number; apart: number },
): boolean {
  const counts = [...consumed.values()];
  const share = tenants / replicas;
  return (
    counts.length === replicas &&
    counts.reduce((sum, count) => sum + count, 0) === tenants &&
    counts.every((count) => Math.abs(count - share) < Math.max(apart * share, 1))
  );
}
