import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { TenantQueues, topology } from '@app/broker';
import { openCursor, PageQuery, sealCursor, uuidBytes, uuidText } from '@app/paging';
import { AllowedTo } from '../auth/access';
import { ApiProblems } from '../problem.docs';
import { ConsumerReports } from './consumer-reports';
import { TenantParams } from './dto/tenant-params.dto';
import {
  AppliedConcurrencyResponse,
  ConcurrencyResponse,
  TenantDetailResponse,
  TenantListResponse,
  TenantResponse,
} from './dto/tenant.response';
import { SetWorkers } from './dto/workers.dto';
import { TenantLimits } from './limits/tenant-limits';
import type { Tenant } from './tenant.entity';
import { TenantsService } from './tenants.service';

const SCOPE = 'tenants';
const UUID_BYTES = 16;

/** All about tenants but their creation, which may carry a message: see `onboarding.controller`. */
@ApiTags('tenants')
@ApiProblems('invalid-input', 'database-unavailable')
@Controller('tenants')
export class TenantsController {
  constructor(
    private readonly tenants: TenantsService,
    private readonly reports: ConsumerReports,
    private readonly queues: TenantQueues,
    private readonly limits: TenantLimits,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List the tenants, in the order of their creation' })
  @ApiOkResponse({ type: TenantListResponse })
  @ApiProblems('invalid-input', 'invalid-cursor')
  async list(@Query() { limit, cursor }: PageQuery): Promise<TenantListResponse> {
    const after =
      cursor === undefined ? undefined : uuidText(openCursor(SCOPE, cursor, UUID_BYTES));
    const tenants = await this.tenants.list(after, limit + 1);
    const data = tenants.slice(0, limit);
    const last = tenants.length > limit ? data.at(-1) : undefined;
    return {
      data: data.map((tenant) => TenantResponse.from(tenant)),
      next_cursor: last ? sealCursor(SCOPE, uuidBytes(last.tenantId)) : null,
    };
  }

  @Get(':tenant_id')
  @AllowedTo('tenant')
  @ApiOperation({ summary: 'A tenant, with the state of its consumer and its queue' })
  @ApiOkResponse({ type: TenantDetailResponse })
  @ApiProblems('tenant-not-found')
  async get(@Param() { tenant_id }: TenantParams): Promise<TenantDetailResponse> {
    return this.detail(await this.tenants.get(tenant_id));
  }

  @Delete(':tenant_id')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Remove a tenant, its queue and all of its messages',
    description: 'From the answer on, every call about the tenant gets 404.',
  })
  @ApiNoContentResponse({ description: 'It is removed.' })
  @ApiProblems('tenant-not-found')
  async remove(@Param() { tenant_id }: TenantParams): Promise<void> {
    await this.tenants.remove(tenant_id);
    this.limits.forget();
  }

  @Put(':tenant_id/config/concurrency')
  @ApiOperation({
    summary: "Set the number of a tenant's workers",
    description:
      'Durable, and applied on every replica within 2 s. What is under way finishes; no message ' +
      'is lost or repeated.',
  })
  @ApiOkResponse({ type: ConcurrencyResponse })
  @ApiProblems('invalid-input', 'malformed-json', 'tenant-not-found', 'unsupported-media-type')
  @ApiProblems('message-too-large')
  async setConcurrency(
    @Param() { tenant_id }: TenantParams,
    @Body() { workers }: SetWorkers,
  ): Promise<ConcurrencyResponse> {
    await this.tenants.setWorkers(tenant_id, workers);
    return { tenant_id, workers };
  }

  @Get(':tenant_id/config/concurrency')
  @AllowedTo('tenant')
  @ApiOperation({ summary: "The number of a tenant's workers, as set and as applied" })
  @ApiOkResponse({ type: AppliedConcurrencyResponse })
  @ApiProblems('tenant-not-found')
  async getConcurrency(@Param() { tenant_id }: TenantParams): Promise<AppliedConcurrencyResponse> {
    const tenant = await this.tenants.get(tenant_id);
    const { workersApplied } = await this.reports.statusOf(tenant);
    return { tenant_id, workers: tenant.workers, workers_applied: workersApplied };
  }

  @Post(':tenant_id/pause')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Stop consuming',
    description: 'Messages are accepted all the same and wait in the queue, across restarts.',
  })
  @ApiOkResponse({ type: TenantResponse })
  @ApiProblems('tenant-not-found')
  async pause(@Param() { tenant_id }: TenantParams): Promise<TenantResponse> {
    await this.tenants.pause(tenant_id);
    return TenantResponse.from(await this.tenants.get(tenant_id));
  }

  @Post(':tenant_id/resume')
  @HttpCode(200)
  @ApiOperation({ summary: 'Consume again' })
  @ApiOkResponse({ type: TenantResponse })
  @ApiProblems('tenant-not-found')
  async resume(@Param() { tenant_id }: TenantParams): Promise<TenantResponse> {
    await this.tenants.resume(tenant_id);
    return TenantResponse.from(await this.tenants.get(tenant_id));
  }

  private async detail(tenant: Tenant): Promise<TenantDetailResponse> {
    const [status, ready] = await Promise.all([
      this.reports.statusOf(tenant),
      this.queues.ready(tenant.tenantId),
    ]);
    return TenantDetailResponse.with(tenant, status, {
      name: topology.queueFor(tenant.tenantId),
      ready,
    });
  }
}
