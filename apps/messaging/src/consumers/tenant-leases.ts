import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '@app/database';
import { HEARTBEAT_FRESH } from '../tenants/consumer-reports';

/** A tenant's consumer as it should be. */
export interface WantedConsumer {
  readonly tenantId: string;
  readonly workers: number;
}

/** A tenant's consumer as it is; one with no workers is still to come. */
export interface RunningConsumer extends WantedConsumer {
  readonly state: 'starting' | 'running';
}

/** A lease that a replica holds. */
export interface Lease extends WantedConsumer {
  /** False when its tenant is paused or removed, or another replica waits for it: let it go. */
  readonly wanted: boolean;
  /** What stands beside it about what runs. */
  readonly reported: Omit<RunningConsumer, 'tenantId'>;
}

/** What a balancing changed for the replica that did it. */
export interface Balance {
  readonly claimed: string[];
  /** Still held, and outdated: each is to be released as soon as its consumer has stopped. */
  readonly givenUp: string[];
  /** Replicas that are not heard of any more: their tenants are taken over, by this one or another. */
  readonly replaced: string[];
}

/**
 * Who consumes whom, in PostgreSQL. Each replica claims up to its fair share of the active tenants
 * and gives up its excess; there is no leader, and no lock that a replica could die with. Statements
 * of two replicas may meet: the primary key decides who has a tenant, and what is out of balance
 * then is mended by the next look.
 *
 * Leases say who should consume. That nobody else does, whatever a replica that was frozen believes,
 * is RabbitMQ's single active consumer to see to.
 *
 * The idea is that of leases (Gray and Cheriton, "Leases: an efficient fault-tolerant mechanism for
 * distributed file cache consistency", 1989).
 */
@Injectable()
export class TenantLeases {
  constructor(private readonly database: Database) {}

  /** Says that a replica lives, and whether it is fit to consume. */
  async beat(replicaId: string, fit: boolean): Promise<void> {
    await this.database.run(BEAT, [replicaId, fit]);
  }

  /** Forgets a replica, its leases with it. */
  async forget(replicaId: string): Promise<void> {
    await this.database.run(FORGET, [replicaId]);
  }

  /**
   * Forgets those that died, long after their leases ceased to count. A replica that was not steady
   * itself cannot tell: after an outage all others are as silent as the dead, until they come back.
   */
  async forgetDead(replicaId: string): Promise<void> {
    await this.database.run(FORGET_DEAD, [replicaId]);
  }

  /** Claims what a replica lacks of its fair share, and gives up what it has beyond. */
  async balance(replicaId: string): Promise<Balance> {
    const rows = await this.database.run<BalanceRow>(BALANCE, [replicaId]);
    const idsOf = (change: BalanceRow['change']): string[] =>
      rows.filter((row) => row.change === change).map(({ id }) => id);
    return { claimed: idsOf('claimed'), givenUp: idsOf('given up'), replaced: idsOf('replaced') };
  }

  /** What a replica holds: all of it, or of one tenant. */
  async heldBy(replicaId: string, tenantId: string | null = null): Promise<Lease[]> {
    const rows = await this.database.run<HeldRow>(HELD, [replicaId, tenantId]);
    return rows.map((row) => ({
      tenantId: row.tenant_id,
      workers: row.workers,
      wanted: row.wanted,
      reported: { state: row.state, workers: row.workers_applied },
    }));
  }

  /**
   * The tenants of a replica that it should let go, or whose consumer runs with another number of workers
   * than it should: whoever changed them may not have been heard.
   */
  async outdated(replicaId: string): Promise<string[]> {
    const rows = await this.database.run<Pick<HeldRow, 'tenant_id'>>(OUTDATED, [replicaId]);
    return rows.map((row) => row.tenant_id);
  }

  /** Notes what runs, so that every replica can tell. */
  async report(replicaId: string, consumers: readonly RunningConsumer[]): Promise<void> {
    await this.database.run(REPORT, [
      replicaId,
      consumers.map(({ tenantId }) => tenantId),
      consumers.map(({ state }) => state),
      consumers.map(({ workers }) => workers),
    ]);
  }

  /** Lets tenants go; only those that the replica still holds. */
  async release(replicaId: string, tenantIds: readonly string[]): Promise<void> {
    await this.database.run(RELEASE, [replicaId, tenantIds]);
  }

  /** Lets all tenants of a replica go but these; @returns how many. */
  releaseAllBut(replicaId: string, tenantIds: readonly string[]): Promise<number> {
    return this.database.change(RELEASE_ALL_BUT, [replicaId, tenantIds]);
  }
}

interface BalanceRow {
  /** Of a tenant; or of a replica that is replaced. */
  id: string;
  change: 'claimed' | 'given up' | 'replaced';
}

interface HeldRow {
  tenant_id: string;
  workers: number;
  wanted: boolean;
  state: RunningConsumer['state'];
  workers_applied: number;
}

/** Whoever creates a tenant has declared its queue by then, or died: its owner finds none, and does. */
const DECLARED_WITHIN = '10 seconds';

const freshAt = (column: string): string =>
  `${column} > clock_timestamp() - interval '${HEARTBEAT_FRESH}'`;

/** A replica that is new has nothing to be interrupted in: it may take over at once. */
const BEAT: Statement = {
  name: 'replica-heartbeat',
  text: `
    INSERT INTO replicas AS r (replica_id, steady_since)
    VALUES ($1, CASE WHEN $2 THEN '-infinity'::timestamptz END)
    ON CONFLICT (replica_id) DO UPDATE SET
      heartbeat_at = clock_timestamp(),
      steady_since = CASE
        WHEN NOT $2 THEN NULL
        WHEN ${freshAt('r.heartbeat_at')} THEN coalesce(r.steady_since, clock_timestamp())
        ELSE clock_timestamp()
      END`,
};

const FORGET: Statement = {
  name: 'forget-replica',
  text: `DELETE FROM replicas WHERE replica_id = $1`,
};

const STEADY = `
  SELECT replica_id FROM replicas
  WHERE ${freshAt('heartbeat_at')}
    AND steady_since < clock_timestamp() - interval '${HEARTBEAT_FRESH}'`;

const FORGET_DEAD: Statement = {
  name: 'forget-dead-replicas',
  text: `
    DELETE FROM replicas
    WHERE heartbeat_at < clock_timestamp() - interval '1 minute' AND $1 IN (${STEADY})`,
};

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
 * - Rows are written in the order of their keys, or two claims would lock each other out.
 * - NOT IN is answered from a hash table. NOT EXISTS would be a join, which PostgreSQL does by comparing
 *   each with each as long as it takes the tables to be small, as it does for minutes after a start.
 */
const BALANCE: Statement = {
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
    UNION ALL SELECT replica_id, 'replaced' FROM replicas
      WHERE replica_id NOT IN (SELECT replica_id FROM alive) AND (SELECT takes_over FROM mine)`,
};

const OWN_LEASES = `
  tenant_leases l LEFT JOIN tenants t
    ON t.tenant_id = l.tenant_id AND t.removed_at IS NULL AND t.status = 'active'
  WHERE l.replica_id = $1`;

const WANTED = `t.tenant_id IS NOT NULL AND NOT l.given_up`;

const HELD: Statement = {
  name: 'held-leases',
  text: `
    SELECT l.tenant_id, coalesce(t.workers, 0) AS workers, ${WANTED} AS wanted,
      l.state, l.workers_applied
    FROM ${OWN_LEASES} AND ($2::uuid IS NULL OR l.tenant_id = $2)`,
};

/** One that does not run is about to, or is tried again when its time has come. */
const OUTDATED: Statement = {
  name: 'outdated-leases',
  text: `
    SELECT l.tenant_id
    FROM ${OWN_LEASES}
      AND (NOT (${WANTED}) OR l.state = 'running' AND l.workers_applied <> t.workers)`,
};

const REPORT: Statement = {
  name: 'report-consumers',
  text: `
    UPDATE tenant_leases l SET state = c.state, workers_applied = c.workers
    FROM unnest($2::uuid[], $3::text[], $4::integer[]) AS c (tenant_id, state, workers)
    WHERE l.tenant_id = c.tenant_id AND l.replica_id = $1`,
};

const RELEASE: Statement = {
  name: 'release-leases',
  text: `DELETE FROM tenant_leases WHERE replica_id = $1 AND tenant_id = ANY($2::uuid[])`,
};

const RELEASE_ALL_BUT: Statement = {
  name: 'release-other-leases',
  text: `DELETE FROM tenant_leases WHERE replica_id = $1 AND tenant_id <> ALL($2::uuid[])`,
};
