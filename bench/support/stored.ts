import type { Servers } from './servers';

/** Partitions that one statement may lock, well below what PostgreSQL has room for. */
const CHUNK = 500;

/** How many are stored, and when the first and the last of them were, in milliseconds since 1970. */
export interface Stored {
  readonly count: number;
  readonly first: number;
  readonly last: number;
}

const SINCE = `
  SELECT count(*)::int AS count,
    coalesce(extract(epoch FROM min(stored_at)) * 1000, 'infinity')::float8 AS first,
    coalesce(extract(epoch FROM max(stored_at)) * 1000, 0)::float8 AS last
  FROM messages WHERE tenant_id = ANY($1::uuid[]) AND stored_at >= $2`;

/** In chunks: there are more partitions than one statement can lock. */
export async function storedSince(
  { client }: Servers,
  tenantIds: readonly string[],
  since: Date,
): Promise<Stored> {
  let all: Stored = { count: 0, first: Infinity, last: 0 };
  for (let at = 0; at < tenantIds.length; at += CHUNK) {
    const { rows } = await client.query<Stored>(SINCE, [tenantIds.slice(at, at + CHUNK), since]);
    const [row] = rows;
    if (!row) continue;
    const { count, first, last } = row;
    all = {
      count: all.count + count,
      first: Math.min(all.first, first),
      last: Math.max(all.last, last),
    };
  }
  return all;
}
