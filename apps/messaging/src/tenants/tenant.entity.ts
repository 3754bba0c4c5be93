import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

export type TenantStatus = 'active' | 'paused';

/** What should be. A removed tenant's row stays until its queue and partitions are gone. */
@Entity('tenants')
@Index('tenants_living_name', ['name'], { unique: true, where: 'removed_at IS NULL' })
@Index('tenants_removed', ['removedAt'], { where: 'removed_at IS NOT NULL' })
@Check('tenants_status_check', "status IN ('active', 'paused')")
@Check('tenants_workers_check', 'workers >= 1')
@Check('tenants_rate_limit_check', 'rate_limit >= 1')
@Check('tenants_max_backlog_check', 'max_backlog >= 1')
export class Tenant {
  @PrimaryColumn({ name: 'tenant_id', type: 'uuid' })
  tenantId!: string;

  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'text', default: 'active' })
  status!: TenantStatus;

  /** How many of its messages may be taken and not yet settled. */
  @Column({ type: 'integer' })
  workers!: number;

  /** Messages a second that are accepted over HTTP; null for as many as come. */
  @Column({ name: 'rate_limit', type: 'integer', nullable: true })
  rateLimit!: number | null;

  /** Messages that may wait in its queue; null for as many as come. */
  @Column({ name: 'max_backlog', type: 'integer', nullable: true })
  maxBacklog!: number | null;

  @Column({ name: 'created_at', type: 'timestamptz', precision: 3, default: () => 'now()' })
  createdAt!: Date;

  @Column({ name: 'updated_at', type: 'timestamptz', precision: 3, default: () => 'now()' })
  updatedAt!: Date;

  /** When its queue was there for the first time; nobody consumes it before. */
  @Column({ name: 'declared_at', type: 'timestamptz', precision: 3, nullable: true })
  declaredAt!: Date | null;

  /** Tokens that were issued before do not hold any more; see `auth/token-statements`. */
  @Column({ name: 'tokens_valid_from', type: 'timestamptz', precision: 3, nullable: true })
  tokensValidFrom!: Date | null;

  @Column({ name: 'removed_at', type: 'timestamptz', precision: 3, nullable: true })
  removedAt!: Date | null;
}
