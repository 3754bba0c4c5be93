import { Body, Controller, Param, Patch } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { InvalidInput } from '../../invalid-input';
import { ApiProblems } from '../../problem.docs';
import { SetLimits } from '../dto/limits.dto';
import { TenantParams } from '../dto/tenant-params.dto';
import { TenantResponse } from '../dto/tenant.response';
import { TenantsService } from '../tenants.service';
import { TenantLimits } from './tenant-limits';

@ApiTags('tenants')
@Controller('tenants')
export class LimitsController {
  constructor(
    private readonly tenants: TenantsService,
    private readonly limits: TenantLimits,
  ) {}

  @Patch(':tenant_id')
  @ApiOperation({
    summary: "Set or take away a tenant's limits",
    description:
      'Durable, and kept on every replica within 2 s. What is left out stays as it is; null takes ' +
      'a limit away. They hold for messages that come over HTTP, not for redriven ones.',
  })
  @ApiOkResponse({ type: TenantResponse })
  @ApiProblems('invalid-input', 'malformed-json', 'tenant-not-found', 'unsupported-media-type')
  @ApiProblems('message-too-large', 'database-unavailable')
  async change(
    @Param() { tenant_id }: TenantParams,
    @Body() body: SetLimits,
  ): Promise<TenantResponse> {
    const change = SetLimits.toChange(body);
    if (Object.keys(change).length === 0) throw nothingNamed();
    await this.tenants.setLimits(tenant_id, change);
    this.limits.forget();
    return TenantResponse.from(await this.tenants.get(tenant_id));
  }
}

function nothingNamed(): InvalidInput {
  const message = 'must be there, or the other one';
  return new InvalidInput(['rate_limit', 'max_backlog'].map((field) => ({ field, message })));
}
