import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { atMost, ConsumingConnection, TenantQueues } from '@app/broker';
import { DatabaseStarter } from '@app/database';
import { In, IsNull, Not, Repository } from 'typeorm';
import { aboutTenant } from '../about-tenant';
import { WhileAsked } from '../while-asked';
import { PartitionRemoval, type Removed } from './partition-removal';
import { Tenant } from './tenant.entity';
import { TenantPartition } from './tenant-partition';

const SWEEP_EVERY_MS = 5_000;
const STOP_WITHIN_MS = 1_000;

/** Tenants whose queues are deleted at a time, and whose partitions go under one lock. */
const AT_A_TIME = 50;

const STUCK: Removed = { gone: new Set(), stuck: true };

/**
 * Takes away what removed tenants leave: queue, partitions, and last the row, which is the note that
 * there is work to do. Whatever dies on the way, the next sweep of any replica goes on from there.
 */
@Injectable()
export class TenantRemoval
  implements OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown
{
  private readonly logger = new Logger(TenantRemoval.name);
  private readonly sweeping = new WhileAsked(
    async () => {
      if (!this.stopped) await this.sweep();
    },
    (error) => this.logger.warn(`Removed tenants are not all gone, trying again: ${String(error)}`),
  );
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    @InjectRepository(Tenant) private readonly tenants: Repository<Tenant>,
    private readonly partition: TenantPartition,
    private readonly partitions: PartitionRemoval,
    private readonly queues: TenantQueues,
    private readonly connection: ConsumingConnection,
    private readonly database: DatabaseStarter,
  ) {}

  onApplicationBootstrap(): void {
    void this.database.whenReady().then(() => {
      if (this.stopped) return;
      this.timer = setInterval(() => this.sweeping.ask(), SWEEP_EVERY_MS);
      // What was removed while the broker was away is bound until then.
      this.connection.onConnect(() => this.sweeping.ask());
      this.sweeping.ask();
    });
  }

  onModuleDestroy(): void {
    this.stopped = true;
    clearInterval(this.timer);
  }

  /** A detach may wait for somebody's long transaction; the next sweep of any replica goes on. */
  async onApplicationShutdown(): Promise<void> {
    await atMost(STOP_WITHIN_MS, this.sweeping.idle());
  }

  /**
   * Has nothing more routed to the queue, if the broker is there; the queue itself goes with the rest
   * in the next sweep, when its consumers have left it.
   */
  async begin(tenantId: string): Promise<void> {
    await this.queues.unbind(tenantId).catch((error: unknown) => {
      const text = `The queue of removed tenant ${tenantId} is still bound: ${String(error)}`;
      this.logger.warn(aboutTenant(tenantId, text));
    });
    this.sweeping.ask();
  }

  private async sweep(): Promise<void> {
    const removed = await this.tenants.find({
      select: { tenantId: true },
      where: { removedAt: Not(IsNull()) },
    });
    const orphans = await this.partition.orphans();
    const tenantIds = [...removed.map((tenant) => tenant.tenantId), ...orphans];
    let stuck = false;
    for (let from = 0; from < tenantIds.length && !this.stopped; from += AT_A_TIME) {
      stuck = await this.finish(tenantIds.slice(from, from + AT_A_TIME), stuck);
    }
  }

  /**
   * The queues go side by side, and the partitions meanwhile: neither waits for the other's server.
   *
   * @returns whether no partition can go for now
   */
  private async finish(tenantIds: readonly string[], stuck: boolean): Promise<boolean> {
    const [queueGone, partitions] = await Promise.all([
      Promise.all(tenantIds.map((tenantId) => this.deleteQueue(tenantId))),
      stuck ? STUCK : this.partitions.remove(tenantIds),
    ]);
    const gone = tenantIds.filter((id, index) => queueGone[index] && partitions.gone.has(id));
    if (gone.length > 0) {
      await this.tenants.delete({ tenantId: In(gone), removedAt: Not(IsNull()) });
    }
    return partitions.stuck;
  }

  private async deleteQueue(tenantId: string): Promise<boolean> {
    try {
      await this.queues.delete(tenantId);
      return true;
    } catch (error) {
      const text = `The queue of removed tenant ${tenantId} stays for now: ${String(error)}`;
      this.logger.warn(aboutTenant(tenantId, text));
      return false;
    }
  }
}
