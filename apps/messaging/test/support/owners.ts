import type { Api } from './api';
import type { TestDatabase } from './database';

/** Which replica consumes each tenant, as the API tells it; null where none does. */
export async function ownersOf(
  api: Api,
  tenantIds: readonly string[],
): Promise<Map<string, string | null>> {
  const tenants = await Promise.all(tenantIds.map((tenantId) => api.tenant(tenantId)));
  return new Map(
    tenants.map(({ tenant_id, consumer }) => [
      tenant_id,
      consumer.state === 'running' ? consumer.owner : null,
    ]),
  );
}

/** How many tenants each owner has, the fewest first; fails while a tenant has none. */
export function sharesOf(owners: ReadonlyMap<string, string | null>): number[] {
  const shares = new Map<string, number>();
  for (const owner of owners.values()) {
    expect(owner).not.toBeNull();
    shares.set(String(owner), (shares.get(String(owner)) ?? 0) + 1);
  }
  return [...shares.values()].toSorted((a, b) => a - b);
}

/** The replicas that hold a lease, told apart from the program's side: by the tenants of each. */
export async function leasesIn(database: TestDatabase): Promise<Map<string, string>> {
  const rows = await database.rows<{ tenant_id: string; replica_id: string }>(
    'SELECT tenant_id, replica_id FROM tenant_leases',
  );
  return new Map(rows.map((row) => [row.tenant_id, row.replica_id]));
}
