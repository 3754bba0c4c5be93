import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { PageQuery } from '@app/paging';
import { AllowedTo, AsCaller } from '../auth/access';
import { MessageParams } from '../messages/dto/message-query.dto';
import { ApiProblems } from '../problem.docs';
import { TenantParams } from '../tenants/dto/tenant-params.dto';
import type { Reader } from '../tenants/reader';
import { TenantsService } from '../tenants/tenants.service';
import { cursorAt, positionOf } from './dead-letter-cursor';
import { DeadLetterNotFound } from './dead-letter.errors';
import { DeadLetterStore } from './dead-letter.store';
import {
  DeadLetterListResponse,
  DeadLetterResponse,
  RedrivenResponse,
} from './dto/dead-letter.response';
import { RedriveSome } from './dto/redrive.dto';
import { Redrive } from './redrive.service';

@ApiTags('dead letters')
@ApiProblems('invalid-input', 'tenant-not-found', 'database-unavailable')
@Controller('tenants/:tenant_id/dead-letters')
export class DeadLettersController {
  constructor(
    private readonly store: DeadLetterStore,
    private readonly redrive: Redrive,
    private readonly tenants: TenantsService,
  ) {}

  @Get()
  @AllowedTo('tenant')
  @ApiOperation({ summary: 'What could never be stored, the last dead first' })
  @ApiOkResponse({ type: DeadLetterListResponse })
  @ApiProblems('invalid-input', 'invalid-cursor')
  async list(
    @Param() { tenant_id }: TenantParams,
    @Query() { cursor, limit }: PageQuery,
    @AsCaller() reader: Reader,
  ): Promise<DeadLetterListResponse> {
    const after = cursor === undefined ? undefined : positionOf(tenant_id, cursor);
    const page = await this.store.readPage(tenant_id, reader, after, limit);
    if (page.items.length === 0) await this.tenants.get(tenant_id);
    const last = page.hasMore ? page.items.at(-1) : undefined;
    return {
      data: page.items.map((letter) => DeadLetterResponse.from(letter)),
      next_cursor: last ? cursorAt(tenant_id, last.diedAt, last.id) : null,
    };
  }

  @Post('redrive')
  @AllowedTo('tenant')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Put many back into the queue, under their ids',
    description: 'Paced, so that live traffic is not pushed aside. Safe to repeat.',
  })
  @ApiAcceptedResponse({ type: RedrivenResponse })
  @ApiProblems('invalid-input', 'malformed-json', 'message-too-large', 'unsupported-media-type')
  @ApiProblems('broker-unavailable', 'database-unavailable')
  async redriveSome(
    @Param() { tenant_id }: TenantParams,
    @Body() { limit }: RedriveSome,
    @AsCaller() reader: Reader,
  ): Promise<RedrivenResponse> {
    await this.tenants.get(tenant_id);
    return { redriven: await this.redrive.some(tenant_id, reader, limit) };
  }

  @Post(':id/redrive')
  @AllowedTo('tenant')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Put one back into the queue, under its id',
    description: 'It is gone from the list once the broker has confirmed it. Safe to repeat.',
  })
  @ApiAcceptedResponse({ type: RedrivenResponse })
  @ApiProblems('tenant-not-found', 'dead-letter-not-found')
  @ApiProblems('broker-unavailable', 'database-unavailable')
  async redriveOne(
    @Param() { tenant_id, id }: MessageParams,
    @AsCaller() reader: Reader,
  ): Promise<RedrivenResponse> {
    await this.tenants.get(tenant_id);
    await this.redrive.one(tenant_id, reader, id);
    return { redriven: 1 };
  }

  @Delete(':id')
  @AllowedTo('tenant')
  @HttpCode(204)
  @ApiOperation({ summary: 'Throw one away' })
  @ApiNoContentResponse({ description: 'It is gone.' })
  @ApiProblems('tenant-not-found', 'dead-letter-not-found')
  async remove(
    @Param() { tenant_id, id }: MessageParams,
    @AsCaller() reader: Reader,
  ): Promise<void> {
    await this.tenants.get(tenant_id);
    if (!(await this.store.remove(tenant_id, reader, id)))
      throw new DeadLetterNotFound(tenant_id, id);
  }
}
