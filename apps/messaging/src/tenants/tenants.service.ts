import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { TenantQueues } from '@app/broker';
import { Environment } from '@app/config';
import { codeOf, sqlState } from '@app/database';
import { IsNull, MoreThan, type QueryDeepPartialEntity, Repository } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import type { Limits } from './limits/tenant-limits';
import { TenantChanges } from './tenant-changes';
import { Tenant } from './tenant.entity';
import { TenantNameTaken, TenantNotFound } from './tenant.errors';
import { TenantPartition } from './tenant-partition';
import { TenantRemoval } from './tenant-removal.service';

/**
 * A quorum queue that is declared within some 30 ms of its deletion takes over the consumers of the
 * one before, who are never told, and delivers to nobody.
 */
const DELETED_WITHIN_MS = 250;

const INSERT = `
  INSERT INTO tenants (tenant_id, name, workers) VALUES ($1, $2, $3)`;

/** What should be: every change is a committed row first, then an announcement. */
@Injectable()
export class TenantsService {
  constructor(
    @InjectRepository(Tenant) private readonly tenants: Repository<Tenant>,
    private readonly partition: TenantPartition,
    private readonly queues: TenantQueues,
    private readonly removal: TenantRemoval,
    private readonly changes: TenantChanges,
    private readonly environment: Environment,
  ) {}

  /**
   * Creates the row and its partitions at once, then the queue: a message can be routed as soon as
   * the caller has its answer. When the broker is away the tenant is taken back, so that the same
   * call may be made again.
   *
   * @throws TenantNameTaken, BrokerUnavailable
   */
  async create(name: string, workers = this.environment.DEFAULT_WORKERS): Promise<Tenant> {
    const tenantId = uuidv7();
    await this.insert(tenantId, name, workers);
    try {
      await this.queues.create(tenantId);
    } catch (error) {
      await this.remove(tenantId);
      throw error;
    }
    await this.tenants.update({ tenantId }, { declaredAt: () => 'now()' });
    await this.changes.announce(tenantId);
    return this.get(tenantId);
  }

  /** @throws TenantNotFound */
  async get(tenantId: string): Promise<Tenant> {
    const tenant = await this.tenants.findOneBy({ tenantId, removedAt: IsNull() });
    if (!tenant) throw new TenantNotFound(tenantId);
    return tenant;
  }

  async isLiving(tenantId: string): Promise<boolean> {
    return this.tenants.existsBy({ tenantId, removedAt: IsNull() });
  }

  /**
   * Declares the queue of a tenant that was living a moment ago. Looks again afterwards: a removal
   * that came between has deleted the queue before it was declared here.
   *
   * @throws TenantNotFound, BrokerUnavailable
   */
  async restoreQueue(tenantId: string): Promise<void> {
    await delay(DELETED_WITHIN_MS);
    await this.queues.declare(tenantId);
    if (await this.isLiving(tenantId)) return;
    await this.queues.delete(tenantId);
    throw new TenantNotFound(tenantId);
  }

  /** In the order of their creation, after the tenant `after`; `limit` at most. */
  list(after: string | undefined, limit: number): Promise<Tenant[]> {
    return this.tenants.find({
      where: { removedAt: IsNull(), ...(after && { tenantId: MoreThan(after) }) },
      order: { tenantId: 'ASC' },
      take: limit,
    });
  }

  setWorkers(tenantId: string, workers: number): Promise<void> {
    return this.change(tenantId, { workers });
  }

  /** What is left out stays as it is. @throws TenantNotFound */
  setLimits(tenantId: string, limits: Partial<Limits>): Promise<void> {
    return this.change(tenantId, limits);
  }

  pause(tenantId: string): Promise<void> {
    return this.change(tenantId, { status: 'paused' });
  }

  resume(tenantId: string): Promise<void> {
    return this.change(tenantId, { status: 'active' });
  }

  /**
   * From here on the tenant does not exist. Its queue is unbound before this returns, when the broker
   * is there, so that nothing more can be accepted for it; the rest goes in the background.
   *
   * @throws TenantNotFound
   */
  async remove(tenantId: string): Promise<void> {
    await this.change(tenantId, { removedAt: () => 'now()' });
    await this.removal.begin(tenantId);
  }

  private async insert(tenantId: string, name: string, workers: number): Promise<void> {
    try {
      await this.partition.createWith(tenantId, (client) =>
        client.query(INSERT, [tenantId, name, workers]),
      );
    } catch (error) {
      if (codeOf(error) === sqlState.uniqueViolation) throw new TenantNameTaken(name);
      throw error;
    }
  }

  private async change(tenantId: string, to: QueryDeepPartialEntity<Tenant>): Promise<void> {
    const { affected } = await this.tenants.update(
      { tenantId, removedAt: IsNull() },
      { ...to, updatedAt: () => 'now()' },
    );
    if (affected !== 1) throw new TenantNotFound(tenantId);
    await this.changes.announce(tenantId);
  }
}
