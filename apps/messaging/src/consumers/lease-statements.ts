import type { Statement } from '@app/database';
import { HEARTBEAT_FRESH } from '../tenants/consumer-reports';

/** Whoever creates a tenant has declared its queue by then, or died: its owner finds none, and does. */
const DECLARED_WITHIN = '10 seconds';

const freshAt = (column: string): string =>
  `${column} > clock_timestamp() - interval '${HEARTBEAT_FRESH}'`;

/**
 * A replica that is new has nothing to be interrupted in: it may take over at once. Not so one that found the
 * database away ($3), as those may have been that are silent now.
 */
export const BEAT: Statement = {
  name: 'replica-heartbeat',
  text: `
    INSERT INTO replicas AS r (replica_id, steady_since)
    VALUES ($1, CASE
      WHEN NOT $2 THEN NULL
      WHEN $3 THEN clock_timestamp()
      ELSE '-infinity'
    END)
    ON CONFLICT (replica_id) DO UPDATE SET
      heartbeat_at = clock_timestamp(),
      steady_since = CASE
        WHEN NOT $2 THEN NULL
        WHEN ${freshAt('r.heartbeat_at')} THEN coalesce(r.steady_since, clock_timestamp())
        ELSE clock_timestamp()
      END`,
};

export const FORGET: Statement = {
  name: 'forget-replica',
  text: `DELETE FROM replicas WHERE replica_id = $1`,
};

const STEADY = `
  SELECT replica_id FROM replicas
  WHERE ${freshAt('heartbeat_at')}
    AND steady_since < clock_timestamp() - interval '${HEARTBEAT_FRESH}'`;

export const FORGET_DEAD: Statement = {
  name: 'forget-dead-replicas',
  text: `
    DELETE FROM replicas
    WHERE heartbeat_at < clock_timestamp() - interval '1 minute' AND $1 IN (${STEADY})`,
};

const OWN_LEASES = `
  tenant_leases l LEFT JOIN tenants t
    ON t.tenant_id = l.tenant_id AND t.removed_at IS NULL AND t.status = 'active'
  WHERE l.replica_id = $1`;

const WANTED = `t.tenant_id IS NOT NULL AND NOT l.given_up`;

/**
 * One statement, hence one snapshot: how many each fit replica has, what its share is (a remainder
 * goes to those that have most, so that nothing moves for it), and what to do about it here.
 *
 * - Tenants of a dead replica are taken over only by one that was steady for as long as a heartbeat
 *   is fresh: after an outage of the database or the broker all come back within that time, and each
 *   would otherwise take the first one's tenants for a dead replica's.
 * - A replica that is not fit keeps what it has until another one is steadily fit.
 * - Whoever lacks tenants passes over as many free ones as those before it lack: replicas that look at the
 *   same moment take different ones, and none is left for the next look.
 * - One that does not run is not outdated: it is about to, or is tried again when its time has come.
 * - Rows are written in the order of their keys, or two claims would lock each other out.
 * - NOT IN is answered from a hash table. NOT EXISTS would be a join, which PostgreSQL does by comparing
 *   each with each as long as it takes the tables to be small, as it does for minutes after a start.
 */
export const BALANCE: Statement = {
  name: 'balance-leases',
  text: `
    WITH alive AS (
      SELECT replica_id, steady_since FROM replicas WHERE ${freshAt('heartbeat_at')}
    ), steady AS (${STEADY}
    ), active AS (
      SELECT tenant_id FROM tenants
      WHERE removed_at IS NULL AND status = 'active'
        AND (declared_at IS NOT NULL OR created_at < clock_timestamp() - interval '${DECLARED_WITHIN}')
    ), held AS (
      SELECT tenant_id, replica_id, given_up
      FROM tenant_leases JOIN alive USING (replica_id) JOIN active USING (tenant_id)
    ), counts AS (
      SELECT a.replica_id, count(h.tenant_id) AS owned
      FROM alive a LEFT JOIN held h ON h.replica_id = a.replica_id AND NOT h.given_up
      WHERE a.steady_since IS NOT NULL
      GROUP BY a.replica_id
    ), shares AS (
      SELECT replica_id, owned, total / count(*) OVER () + CASE
        WHEN row_number() OVER (ORDER BY owned DESC, replica_id) <= total % count(*) OVER ()
        THEN 1 ELSE 0 END AS share
      FROM counts, (SELECT count(*) AS total FROM active) AS t
    ), mine AS (
      SELECT
        (SELECT share - owned FROM shares WHERE replica_id = $1) AS lacks,
        (SELECT coalesce(sum(share - owned), 0) FROM shares
          WHERE replica_id < $1 AND share > owned) AS others_first,
        EXISTS (SELECT FROM steady WHERE replica_id = $1) AS takes_over,
        EXISTS (SELECT FROM steady WHERE replica_id <> $1) AS may_leave
    ), free AS (
      SELECT tenant_id, row_number() OVER (ORDER BY uuid_hash(tenant_id), tenant_id) AS place
      FROM active
      WHERE tenant_id NOT IN (SELECT tenant_id FROM held)
        AND ((SELECT takes_over FROM mine)
          OR NOT EXISTS (SELECT FROM tenant_leases l WHERE l.tenant_id = active.tenant_id))
    ), taken AS (
      SELECT tenant_id FROM free, mine
      ORDER BY place <= others_first, place
      LIMIT (SELECT greatest(coalesce(lacks, 0), 0) FROM mine)
    ), claimed AS (
      INSERT INTO tenant_leases AS l (tenant_id, replica_id)
      SELECT tenant_id, $1 FROM taken ORDER BY tenant_id
      ON CONFLICT (tenant_id) DO UPDATE
      SET replica_id = $1, given_up = false, state = 'starting', workers_applied = 0
      WHERE NOT EXISTS (SELECT FROM alive WHERE alive.replica_id = l.replica_id)
      RETURNING tenant_id
    ), excess AS (
      SELECT tenant_id FROM held
      WHERE replica_id = $1 AND NOT given_up
      ORDER BY tenant_id DESC
      LIMIT (SELECT CASE WHEN lacks < 0 THEN -lacks WHEN lacks IS NULL AND may_leave THEN NULL
        ELSE 0 END FROM mine)
    ), given_up AS (
      UPDATE tenant_leases SET given_up = true
      WHERE replica_id = $1 AND tenant_id IN (SELECT tenant_id FROM excess)
      RETURNING tenant_id
    )
    SELECT tenant_id AS id, 'claimed' AS change FROM claimed
    UNION ALL SELECT tenant_id, 'given up' FROM given_up
    UNION ALL SELECT l.tenant_id, 'outdated' FROM ${OWN_LEASES}
      AND (NOT (${WANTED}) OR l.state = 'running' AND l.workers_applied <> t.workers)
    UNION ALL SELECT replica_id, 'replaced' FROM replicas
      WHERE replica_id NOT IN (SELECT replica_id FROM alive) AND (SELECT takes_over FROM mine)`,
};

export const HELD: Statement = {
  name: 'held-leases',
  text: `
    SELECT l.tenant_id, coalesce(t.workers, 0) AS workers, ${WANTED} AS wanted,
      l.state, l.workers_applied
    FROM ${OWN_LEASES} AND ($2::uuid IS NULL OR l.tenant_id = $2)`,
};

export const REPORT: Statement = {
  name: 'report-consumers',
  text: `
    UPDATE tenant_leases l SET state = c.state, workers_applied = c.workers
    FROM unnest($2::uuid[], $3::text[], $4::integer[]) AS c (tenant_id, state, workers)
    WHERE l.tenant_id = c.tenant_id AND l.replica_id = $1`,
};

export const RELEASE: Statement = {
  name: 'release-leases',
  text: `DELETE FROM tenant_leases WHERE replica_id = $1 AND tenant_id = ANY($2::uuid[])`,
};

export const RELEASE_ALL_BUT: Statement = {
  name: 'release-other-leases',
  text: `DELETE FROM tenant_leases WHERE replica_id = $1 AND tenant_id <> ALL($2::uuid[])`,
};
