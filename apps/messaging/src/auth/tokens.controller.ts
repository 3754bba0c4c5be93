import { Body, Controller, Header, HttpCode, Param, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../problem.docs';
import { TenantParams } from '../tenants/dto/tenant-params.dto';
import { IssueToken, TokenResponse } from './dto/token.dto';
import { TenantTokens } from './tenant-tokens.service';

@ApiTags('tokens')
@ApiProblems('invalid-input', 'tenant-not-found', 'database-unavailable')
@Controller('tenants/:tenant_id/tokens')
export class TokensController {
  constructor(private readonly tokens: TenantTokens) {}

  @Post()
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'Issue a token for a tenant',
    description: "It opens the tenant's messages and dead letters, and what can be read of it.",
  })
  @ApiCreatedResponse({ type: TokenResponse })
  @ApiProblems(
    'invalid-input',
    'malformed-json',
    'unsupported-media-type',
    'message-too-large',
    'tokens-not-issued',
  )
  async issue(
    @Param() { tenant_id }: TenantParams,
    @Body() { expires_in }: IssueToken,
  ): Promise<TokenResponse> {
    const { token, expiresAt } = await this.tokens.issue(tenant_id, expires_in);
    return { token, token_type: 'Bearer', expires_at: expiresAt.toISOString() };
  }

  @Post('revoke')
  @HttpCode(204)
  @ApiOperation({
    summary: 'End all tokens of a tenant',
    description:
      'Those issued up to now, by whomever; on every replica within 2 s. New ones can be issued ' +
      'at once.',
  })
  @ApiNoContentResponse({ description: 'They are refused from here on.' })
  async revoke(@Param() { tenant_id }: TenantParams): Promise<void> {
    await this.tokens.revoke(tenant_id);
  }
}
