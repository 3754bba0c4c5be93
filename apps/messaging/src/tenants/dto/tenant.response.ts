import { ApiProperty } from '@nestjs/swagger';
import type { ConsumerState, ConsumerStatus } from '../consumer-reports';
import type { Tenant, TenantStatus } from '../tenant.entity';

const CONSUMER_STATES: ConsumerState[] = ['running', 'starting', 'paused', 'stopped'];

export class TenantResponse {
  @ApiProperty({ format: 'uuid', example: '019aa0e4-5b7c-7c1e-9f43-0d2c5a7b9e10' })
  tenant_id!: string;

  @ApiProperty({ example: 'acme' })
  name!: string;

  @ApiProperty({ enum: ['active', 'paused'], example: 'active' })
  status!: TenantStatus;

  @ApiProperty({ type: 'integer', example: 3 })
  workers!: number;

  @ApiProperty({
    description: 'Messages a second that are accepted over HTTP; null: no limit.',
    type: 'integer',
    nullable: true,
    example: 100,
  })
  rate_limit!: number | null;

  @ApiProperty({
    description: 'Messages that may wait in its queue; null: no limit.',
    type: 'integer',
    nullable: true,
    example: 100000,
  })
  max_backlog!: number | null;

  @ApiProperty({ format: 'date-time', example: '2026-11-23T09:30:00.000Z' })
  created_at!: string;

  @ApiProperty({ format: 'date-time', example: '2026-11-23T09:30:00.000Z' })
  updated_at!: string;

  static from(tenant: Tenant): TenantResponse {
    return {
      tenant_id: tenant.tenantId,
      name: tenant.name,
      status: tenant.status,
      workers: tenant.workers,
      rate_limit: tenant.rateLimit,
      max_backlog: tenant.maxBacklog,
      created_at: tenant.createdAt.toISOString(),
      updated_at: tenant.updatedAt.toISOString(),
    };
  }
}

export class ConsumerResponse {
  @ApiProperty({ enum: CONSUMER_STATES, example: 'running' })
  state!: ConsumerState;

  @ApiProperty({ description: 'What runs now.', type: 'integer', example: 3 })
  workers_applied!: number;

  @ApiProperty({
    description: 'The id of the replica that consumes the tenant; null while none does.',
    type: 'string',
    format: 'uuid',
    nullable: true,
    example: '019aa0e6-77d0-7b1c-a1b2-c3d4e5f60718',
  })
  owner!: string | null;
}

export class QueueResponse {
  @ApiProperty({ example: 'tenant_019aa0e4-5b7c-7c1e-9f43-0d2c5a7b9e10_queue' })
  name!: string;

  @ApiProperty({
    description: 'Messages that wait; null while the broker does not answer.',
    type: 'integer',
    nullable: true,
    example: 0,
  })
  ready!: number | null;
}

export class TenantDetailResponse extends TenantResponse {
  @ApiProperty()
  consumer!: ConsumerResponse;

  @ApiProperty()
  queue!: QueueResponse;

  static with(
    tenant: Tenant,
    { state, workersApplied, owner }: ConsumerStatus,
    queue: QueueResponse,
  ): TenantDetailResponse {
    const consumer = { state, workers_applied: workersApplied, owner };
    return Object.assign(TenantResponse.from(tenant), { consumer, queue });
  }
}

export class TenantListResponse {
  @ApiProperty({ type: [TenantResponse] })
  data!: TenantResponse[];

  @ApiProperty({
    description: 'Null after the last page.',
    type: 'string',
    nullable: true,
    example: null,
  })
  next_cursor!: string | null;
}

export class ConcurrencyResponse {
  @ApiProperty({ format: 'uuid', example: '019aa0e4-5b7c-7c1e-9f43-0d2c5a7b9e10' })
  tenant_id!: string;

  @ApiProperty({ type: 'integer', example: 8 })
  workers!: number;
}

export class AppliedConcurrencyResponse extends ConcurrencyResponse {
  @ApiProperty({ type: 'integer', example: 8 })
  workers_applied!: number;
}
