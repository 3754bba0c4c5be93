import { Body, Controller, Post, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiProblems } from '../problem.docs';
import { TenantResponse } from '../tenants/dto/tenant.response';
import { TenantsService } from '../tenants/tenants.service';
import { CreateTenantWithMessage, MessageInput } from './dto/message-input.dto';
import { CreatedTenantResponse, MessageIdResponse } from './dto/message.response';
import { MessagePublisher } from './message.publisher';

/** Creates tenants. It stands among the messages since a tenant may bring its first one along. */
@ApiTags('tenants')
@Controller('tenants')
export class OnboardingController {
  constructor(
    private readonly tenants: TenantsService,
    private readonly publisher: MessagePublisher,
  ) {}

  @Post()
  @ApiOperation({
    summary: 'Create a tenant',
    description: 'It has its queue, its partition and its consumer; a message can be sent at once.',
  })
  @ApiCreatedResponse({
    type: CreatedTenantResponse,
    headers: { Location: { description: "The tenant's path.", schema: { type: 'string' } } },
  })
  @ApiProblems('invalid-input', 'malformed-json', 'tenant-name-taken', 'message-too-large')
  @ApiProblems('unsupported-media-type')
  @ApiProblems('broker-unavailable', 'database-unavailable')
  async create(
    @Body() { name, workers, message }: CreateTenantWithMessage,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CreatedTenantResponse> {
    const tenant = await this.tenants.create(name, workers);
    const first = message && (await this.acceptFirst(tenant.tenantId, message));
    reply.header('location', `/api/tenants/${tenant.tenantId}`);
    return Object.assign(TenantResponse.from(tenant), first && { message: first });
  }

  /** When its message cannot be accepted, the tenant is taken back: the call failed as a whole. */
  private async acceptFirst(tenantId: string, message: MessageInput): Promise<MessageIdResponse> {
    try {
      const { ids } = await this.publisher.accept(tenantId, [MessageInput.toNew(message)]);
      return { id: ids[0] as string };
    } catch (error) {
      await this.tenants.remove(tenantId);
      throw error;
    }
  }
}
