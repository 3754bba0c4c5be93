import { Injectable } from '@nestjs/common';
import { Database } from '@app/database';
import { uuidv7 } from 'uuidv7';

/** What a bucket gave. */
export interface Grant {
  readonly granted: number;
  /** What is left in it; below one when it gave less than was asked for. */
  readonly left: number;
  /** How many replicas have asked lately, this one included. */
  readonly replicas: number;
}

/** What is in the bucket by now: a second's worth at most. `$2` is the rate. */
const LEVEL = `
  least($2::int, b.tokens + $2::int *
    greatest(0, extract(epoch FROM excluded.filled_at - b.filled_at)::float8))`;
const GRANTED = `least($3::int, floor(${LEVEL}))`;

/** Whoever has asked within the last 5 s. */
const RECENT = `(
  SELECT coalesce(jsonb_object_agg(key, value), '{}')
  FROM jsonb_each(b.borrowers)
  WHERE value::float8 > extract(epoch FROM excluded.filled_at)::float8 - 5)`;

/**
 * The statement waits for those of the other replicas; the clock is the database's alone. A tenant
 * that was removed has no bucket: no row comes back.
 */
const TAKE = {
  name: 'rate-bucket-take',
  text: `
    INSERT INTO rate_buckets AS b (tenant_id, tokens, filled_at, granted, borrowers)
    SELECT tenant_id, $2::int - least($2::int, $3::int), clock_timestamp(), least($2::int, $3::int),
      jsonb_build_object($4::text, extract(epoch FROM clock_timestamp()))
    FROM tenants WHERE tenant_id = $1 AND removed_at IS NULL
    ON CONFLICT (tenant_id) DO UPDATE SET
      tokens = ${LEVEL} - ${GRANTED},
      granted = ${GRANTED},
      filled_at = greatest(b.filled_at, excluded.filled_at),
      borrowers = ${RECENT} || excluded.borrowers
    RETURNING granted, tokens AS left,
      (SELECT count(*)::int FROM jsonb_object_keys(borrowers)) AS replicas`,
};

/** The token buckets, one per tenant that has a rate limit, from which all replicas take. */
@Injectable()
export class RateBuckets {
  private readonly replicaId = uuidv7();

  constructor(private readonly database: Database) {}

  /**
   * Takes up to `want` tokens out of a tenant's bucket, which fills at `rate` a second and holds as
   * many. https://en.wikipedia.org/wiki/Token_bucket
   */
  async take(tenantId: string, rate: number, want: number): Promise<Grant> {
    const values = [tenantId, rate, want, this.replicaId];
    const [grant] = await this.database.run<Grant>(TAKE, values);
    return grant ?? { granted: want, left: 0, replicas: 1 };
  }
}
