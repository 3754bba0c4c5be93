import { ApiProperty } from '@nestjs/swagger';
import { TenantResponse } from '../../tenants/dto/tenant.response';
import type { StoredMessage } from '../message.store';
import { ANY_JSON } from './message-input.dto';

const MESSAGE_ID = '019aa0e5-1c2d-7a3b-8c4d-5e6f7a8b9c0d';
const TENANT_ID = '019aa0e4-5b7c-7c1e-9f43-0d2c5a7b9e10';

export class MessageIdResponse {
  @ApiProperty({ format: 'uuid', example: MESSAGE_ID })
  id!: string;
}

export class AcceptedResponse extends MessageIdResponse {
  @ApiProperty({ format: 'uuid', example: TENANT_ID })
  tenant_id!: string;

  @ApiProperty({ enum: ['accepted'], example: 'accepted' })
  status!: 'accepted';
}

export class AcceptedBatchResponse {
  @ApiProperty({ type: [MessageIdResponse] })
  data!: MessageIdResponse[];
}

export class CreatedTenantResponse extends TenantResponse {
  @ApiProperty({ required: false, description: 'When a first message was given.' })
  message?: MessageIdResponse;
}

export class MessageResponse extends MessageIdResponse {
  @ApiProperty({ format: 'uuid', example: TENANT_ID })
  tenant_id!: string;

  @ApiProperty({ type: 'string', nullable: true, example: 'order.created' })
  type!: string | null;

  @ApiProperty({
    description:
      'The JSON value that was given: of a name that came twice the last is kept, the order of names is ' +
      'the database’s, and numbers are written in full.',
    example: { order: 1042, total: 99.5 },
    ...ANY_JSON,
  })
  payload!: unknown;

  @ApiProperty({ format: 'date-time', example: '2026-11-23T09:30:00.000Z' })
  accepted_at!: string;

  @ApiProperty({ format: 'date-time', example: '2026-11-23T09:30:00.012Z' })
  stored_at!: string;
}

export class MessageListResponse {
  @ApiProperty({ type: [MessageResponse] })
  data!: MessageResponse[];

  @ApiProperty({
    description:
      'For `order=desc` null after the last page; for `order=asc` never null once anything was ' +
      'returned: keep asking with it to follow along.',
    type: 'string',
    nullable: true,
    example: 'AVm3Wq0Yb1x2AAAAAAAAAtEBmqDlHC16O4xNXm96i5wN',
  })
  next_cursor!: string | null;
}

/** Written by hand, since the payload is JSON text already and goes out as it is. */
export function messageJson(message: StoredMessage): string {
  const { id, tenantId, type, payload, acceptedAt, storedAt } = message;
  return (
    `{"id":"${id}","tenant_id":"${tenantId}","type":${JSON.stringify(type)},"payload":${payload},` +
    `"accepted_at":"${acceptedAt}","stored_at":"${storedAt}"}`
  );
}

export function messageListJson(
  messages: readonly StoredMessage[],
  nextCursor: string | null,
): string {
  const data = messages.map(messageJson).join(',');
  return `{"data":[${data}],"next_cursor":${JSON.stringify(nextCursor)}}`;
}
