import { Injectable, Logger } from '@nestjs/common';
import { atMost, ConsumingConnection } from '@app/broker';
import { DatabaseStarter } from '@app/database';
import { uuidv7 } from 'uuidv7';
import { HEARTBEAT_FRESH_MS } from '../tenants/consumer-reports';
import { TenantChanges } from '../tenants/tenant-changes';
import { Batcher } from './batcher';
import { FairQueue } from './fair-queue';
import { type Lease, TenantLeases } from './tenant-leases';

/** A broker that was lost is back by then, when it is there at all: nothing moves for a blink. */
const RECONNECTS_WITHIN_MS = 3_000;
const LEAVE_WITHIN_MS = 1_000;
/** A heartbeat is due every second, and what must end before others take over needs a moment for it. */
const IN_DOUBT_AFTER_MS = HEARTBEAT_FRESH_MS - 2_000;
const MAX_RELEASES = 1_000;

/** Tenants that are to be consumed, and those that are to be let go or consumed otherwise. */
interface Changed {
  readonly claimed: readonly string[];
  readonly outdated: readonly string[];
}

/** This replica, as the others know it: which tenants are its own. */
@Injectable()
export class Ownership {
  readonly replicaId = uuidv7();
  /** How many tenants were this replica's to consume when it last looked at all of them. */
  owned = 0;
  private readonly logger = new Logger(Ownership.name);
  private readonly releases = new Batcher<string, undefined>(
    (tenantIds) => this.releaseAll(tenantIds),
    new FairQueue({ maxRows: MAX_RELEASES, maxBytes: Infinity }),
  );
  private leaving = false;
  private connectedAt = -Infinity;
  /** When the last heartbeat was begun that arrived. */
  private heardAt = -Infinity;

  constructor(
    private readonly leases: TenantLeases,
    private readonly connection: ConsumingConnection,
    private readonly changes: TenantChanges,
    private readonly database: DatabaseStarter,
  ) {}

  /** Says that this replica lives. The first thing to be done, and then every second. */
  async beat(): Promise<void> {
    const begunAt = performance.now();
    const condition = { fit: this.isFit(), cameInOutage: this.database.cameLate };
    await this.leases.beat(this.replicaId, condition);
    this.heardAt = Math.max(this.heardAt, begunAt);
  }

  /**
   * Whether the others may have ceased to hear of this replica, or are about to: its tenants are
   * theirs then. Where nobody reaches the database, nobody takes over, and it is in doubt all the same.
   */
  get isInDoubt(): boolean {
    return performance.now() - this.heardAt > IN_DOUBT_AFTER_MS;
  }

  /** Claims what is missing, gives up what is too much; @returns the tenants that this concerns. */
  async balance(): Promise<Changed> {
    await this.beat();
    const { claimed, givenUp, outdated, replaced } = await this.leases.balance(this.replicaId);
    // Again and again: one that takes over may die before it has said so.
    for (const replicaId of replaced) void this.changes.announceReplaced(replicaId);
    if (claimed.length + givenUp.length > 0) {
      this.logger.debug(`Claimed ${claimed.length} tenants, gave up ${givenUp.length}`);
    }
    return { claimed, outdated: [...givenUp, ...outdated] };
  }

  /** Forgets replicas that died long ago, whoever they were. */
  forgetDead(): Promise<void> {
    return this.leases.forgetDead(this.replicaId);
  }

  /** All that this replica holds. */
  async held(): Promise<Lease[]> {
    const leases = await this.leases.heldBy(this.replicaId);
    this.owned = leases.filter(({ wanted }) => wanted).length;
    return leases;
  }

  /** @returns undefined when this replica does not own the tenant */
  async lease(tenantId: string): Promise<Lease | undefined> {
    const [lease] = await this.leases.heldBy(this.replicaId, tenantId);
    return lease;
  }

  /** Lets a tenant go whose consumer has stopped, and has the others look; many at a time together. */
  async release(tenantId: string): Promise<void> {
    await this.releases.add(tenantId, { key: '', weight: 1, bytes: 0 });
  }

  /** The same while this replica stops, which a database that is away must not hold up. */
  letGo(tenantId: string): Promise<void> {
    return this.inTime(this.release(tenantId));
  }

  /** Lets all go but these, likewise: there is nothing to be stopped first. */
  letGoAllBut(tenantIds: readonly string[]): Promise<void> {
    return this.inTime(this.releaseAllBut(tenantIds));
  }

  /** Takes no tenant any more; what it has it still keeps, until each is released. */
  async leave(): Promise<void> {
    this.leaving = true;
    await this.inTime(this.beat());
  }

  /** The end: whatever is left is free for others at once. */
  async end(): Promise<void> {
    await this.inTime(this.leases.forget(this.replicaId));
    await this.changes.announceReleased();
  }

  private async releaseAll(tenantIds: string[]): Promise<undefined[]> {
    await this.leases.release(this.replicaId, tenantIds);
    await this.changes.announceReleased();
    return tenantIds.map(() => undefined);
  }

  private async releaseAllBut(tenantIds: readonly string[]): Promise<void> {
    const released = await this.leases.releaseAllBut(this.replicaId, tenantIds);
    if (released > 0) await this.changes.announceReleased();
  }

  private isFit(): boolean {
    if (this.connection.isUp()) this.connectedAt = performance.now();
    return !this.leaving && performance.now() - this.connectedAt < RECONNECTS_WITHIN_MS;
  }

  /** What is not said in time is true all the same when nobody hears of this replica any more. */
  private async inTime(work: Promise<void>): Promise<void> {
    await atMost(LEAVE_WITHIN_MS, work);
  }
}
