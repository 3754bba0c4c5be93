import { Injectable } from '@nestjs/common';
import { ReservedDatabase } from '@app/database';
import {
  BALANCE,
  BEAT,
  FORGET,
  FORGET_DEAD,
  HELD,
  RELEASE,
  RELEASE_ALL_BUT,
  REPORT,
} from './lease-statements';

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

/** Of a replica. */
interface Condition {
  /** To consume. */
  readonly fit: boolean;
  /** Whether it found the database away when it started. */
  readonly cameInOutage: boolean;
}

/** What a balancing changed for the replica that did it. */
export interface Balance {
  readonly claimed: string[];
  /** Still held; each is to be released as soon as its consumer has stopped. */
  readonly givenUp: string[];
  /**
   * Held before, and to be let go, or consumed with another number of workers: whoever changed them may not
   * have been heard.
   */
  readonly outdated: string[];
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
  constructor(private readonly database: ReservedDatabase) {}

  /** Says that a replica lives, and how it does. */
  async beat(replicaId: string, { fit, cameInOutage }: Condition): Promise<void> {
    await this.database.run(BEAT, [replicaId, fit, cameInOutage]);
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
    return {
      claimed: idsOf('claimed'),
      givenUp: idsOf('given up'),
      outdated: idsOf('outdated'),
      replaced: idsOf('replaced'),
    };
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
  change: 'claimed' | 'given up' | 'outdated' | 'replaced';
}

interface HeldRow {
  tenant_id: string;
  workers: number;
  wanted: boolean;
  state: RunningConsumer['state'];
  workers_applied: number;
}
