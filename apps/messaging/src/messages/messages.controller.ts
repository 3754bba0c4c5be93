import { Body, Controller, Get, Header, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { AllowedTo, AsCaller } from '../auth/access';
import { ApiProblems } from '../problem.docs';
import { TenantParams } from '../tenants/dto/tenant-params.dto';
import { quotaHeaders } from '../tenants/limits/quota';
import { QUOTA_HEADERS } from '../tenants/limits/quota.docs';
import type { Reader } from '../tenants/reader';
import { TenantsService } from '../tenants/tenants.service';
import { MessageBatchInput, MessageInput } from './dto/message-input.dto';
import { MessageParams, MessageQuery } from './dto/message-query.dto';
import {
  AcceptedBatchResponse,
  AcceptedResponse,
  messageJson,
  messageListJson,
  MessageListResponse,
  MessageResponse,
} from './dto/message.response';
import { IdempotencyKey, NoIdempotencyKey } from './idempotency-key';
import { cursorAt, type Position, positionOf } from './message-cursor';
import { CursorAhead, MessageNotFound } from './message.errors';
import { MessagePublisher } from './message.publisher';
import { MessageStore } from './message.store';

const JSON_TYPE = 'application/json; charset=utf-8';

@ApiTags('messages')
@ApiProblems('invalid-input', 'tenant-not-found')
@Controller('tenants/:tenant_id/messages')
export class MessagesController {
  constructor(
    private readonly publisher: MessagePublisher,
    private readonly store: MessageStore,
    private readonly tenants: TenantsService,
  ) {}

  @Post()
  @AllowedTo('tenant')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Send a message',
    description:
      '202 once the broker has it on disk; it will be stored exactly once. After a 503, or no ' +
      'answer at all, send it again with the same `Idempotency-Key`.',
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'The same key for the same tenant gives the same id; stored once.',
    schema: { type: 'string', minLength: 1, maxLength: 200, example: 'order-1042' },
  })
  @ApiAcceptedResponse({ type: AcceptedResponse, headers: QUOTA_HEADERS })
  @ApiProblems('invalid-input', 'malformed-json', 'message-too-large', 'unsupported-media-type')
  @ApiProblems('rate-limited', 'backlog-full', 'broker-unavailable', 'database-unavailable')
  async accept(
    @Param() { tenant_id }: TenantParams,
    @Body() message: MessageInput,
    @IdempotencyKey() key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AcceptedResponse> {
    const accepted = await this.publisher.accept(tenant_id, [MessageInput.toNew(message, key)]);
    reply.headers(quotaHeaders(accepted.quotas));
    return { id: accepted.ids[0] as string, tenant_id, status: 'accepted' };
  }

  @Post('batch')
  @AllowedTo('tenant')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Send up to 1,000 messages',
    description:
      'Checked as a whole before any is sent; the tenant’s limits take all of it or refuse all. The ' +
      'body may have up to 32 times the size of the ' +
      'largest message, but no more than 64 MiB. After a 503 some may have been accepted all the same: send the batch ' +
      'again with its idempotency keys.',
  })
  @ApiAcceptedResponse({ type: AcceptedBatchResponse, headers: QUOTA_HEADERS })
  @ApiProblems('invalid-input', 'malformed-json', 'message-too-large', 'unsupported-media-type')
  @ApiProblems('rate-limited', 'backlog-full', 'broker-unavailable', 'database-unavailable')
  async acceptBatch(
    @Param() { tenant_id }: TenantParams,
    @Body() { messages }: MessageBatchInput,
    @NoIdempotencyKey() _key: undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AcceptedBatchResponse> {
    const batch = messages.map((message) => MessageInput.toNew(message, message.idempotency_key));
    const { ids, quotas } = await this.publisher.accept(tenant_id, batch);
    reply.headers(quotaHeaders(quotas));
    return { data: ids.map((id) => ({ id })) };
  }

  @Get()
  @AllowedTo('tenant')
  @Header('content-type', JSON_TYPE)
  @ApiOperation({ summary: 'Read the stored messages, page by page' })
  @ApiOkResponse({ type: MessageListResponse })
  @ApiProblems('invalid-input', 'invalid-cursor', 'database-unavailable')
  async list(
    @Param() { tenant_id }: TenantParams,
    @Query() { order, cursor, limit }: MessageQuery,
    @AsCaller() reader: Reader,
  ): Promise<string> {
    const after = cursor === undefined ? undefined : positionOf(tenant_id, order, cursor);
    const page = await this.store.readPage(tenant_id, reader, order, after, limit);
    // Who has messages is living; only without any is it worth a question.
    if (page.items.length === 0) await this.tenants.get(tenant_id);
    if (page.items.length === 0 && order === 'asc') await this.refuseAhead(after);
    const last = order === 'asc' || page.hasMore ? page.items.at(-1) : undefined;
    const waiting = order === 'asc' && cursor !== undefined ? cursor : null;
    return messageListJson(page.items, last ? cursorAt(tenant_id, order, last) : waiting);
  }

  @Get(':id')
  @AllowedTo('tenant')
  @Header('content-type', JSON_TYPE)
  @ApiOperation({ summary: 'A stored message' })
  @ApiOkResponse({ type: MessageResponse })
  @ApiProblems('tenant-not-found', 'message-not-found', 'database-unavailable')
  async get(
    @Param() { tenant_id, id }: MessageParams,
    @AsCaller() reader: Reader,
  ): Promise<string> {
    const message = await this.store.find(tenant_id, reader, id);
    if (message) return messageJson(message);
    await this.tenants.get(tenant_id);
    throw new MessageNotFound(tenant_id, id);
  }

  /** Nothing lies behind a place that was not reached yet, so only an empty page is worth asking. */
  private async refuseAhead(after: Position | undefined): Promise<void> {
    if (after && (await this.store.isAhead(after))) throw new CursorAhead();
  }
}
