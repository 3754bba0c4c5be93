import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMinSize,
  IsArray,
  IsObject,
  IsOptional,
  Matches,
  ValidateBy,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { CreateTenant, IsLabel } from '../../tenants/dto/create-tenant.dto';
import { jsonbProblem } from '../jsonb';
import type { NewMessage } from '../message.publisher';
import { RawJson } from '../raw-json';

/** How OpenAPI 3.0 says it. */
export const ANY_JSON = {
  oneOf: [
    { type: 'object', additionalProperties: true },
    { type: 'array', items: {} },
    { type: 'string' },
    { type: 'number' },
    { type: 'boolean' },
  ],
  nullable: true,
};

/** {@link EnvelopePipe} holds every list to it, before the rules here look at each item. */
export const MAX_BATCH = 1_000;

/** 1 to 200 visible ASCII characters. */
export const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,200}$/;

const payloadProblem = (value: unknown): string | undefined =>
  value instanceof RawJson
    ? jsonbProblem(value.text)
    : 'must be there; any JSON value is taken, null too';

const IsPayload = (): PropertyDecorator =>
  ValidateBy({
    name: 'isPayload',
    validator: {
      validate: (value) => payloadProblem(value) === undefined,
      defaultMessage: (argument) => payloadProblem(argument?.value) ?? '',
    },
  });

export class MessageInput {
  @ApiProperty({
    description:
      'Any JSON value, `null` too. Numbers keep every digit. Text with `\\u0000` or with half of ' +
      'a surrogate pair, and numbers beyond PostgreSQL’s `numeric`, are refused; so is what is ' +
      'nested more than 1,000 levels deep, and what is larger than 1 MiB, and than eight times its ' +
      'size, once its numbers are written out in full (`1e131071`), as PostgreSQL gives them out.',
    example: { order: 1042, total: 99.5 },
    ...ANY_JSON,
  })
  @IsPayload()
  payload!: unknown;

  @ApiPropertyOptional({
    description: 'What kind of message it is, in your own words.',
    type: 'string',
    minLength: 1,
    maxLength: 100,
    nullable: true,
    example: 'order.created',
  })
  @IsOptional()
  @IsLabel()
  type?: string | null;

  static toNew({ payload, type }: MessageInput, idempotencyKey?: string): NewMessage {
    return { payload: (payload as RawJson).text, type: type ?? null, idempotencyKey };
  }
}

export class BatchMessageInput extends MessageInput {
  @ApiPropertyOptional({
    description: 'The same key for the same tenant gives the same id; stored once.',
    minLength: 1,
    maxLength: 200,
    example: 'order-1042',
  })
  @ValidateIf((message: BatchMessageInput) => message.idempotency_key !== undefined)
  @Matches(IDEMPOTENCY_KEY, { message: 'must have 1 to 200 visible ASCII characters' })
  idempotency_key?: string;
}

export class MessageBatchInput {
  @ApiProperty({ type: [BatchMessageInput], minItems: 1, maxItems: MAX_BATCH })
  @Type(() => BatchMessageInput)
  @ValidateNested({ each: true, message: 'must be a list of messages' })
  @ArrayMinSize(1, { message: 'must hold at least one message' })
  @IsArray({ message: 'must be a list of messages' })
  messages!: BatchMessageInput[];
}

export class CreateTenantWithMessage extends CreateTenant {
  @ApiPropertyOptional({
    description: 'A first message, accepted as by `POST …/messages`.',
    type: MessageInput,
  })
  @Type(() => MessageInput)
  @ValidateIf((tenant: CreateTenantWithMessage) => tenant.message !== undefined)
  @ValidateNested({ message: 'must be a message: { payload, type? }' })
  @IsObject({ message: 'must be a message: { payload, type? }' })
  message?: MessageInput;
}
