import { isUtf8 } from 'node:buffer';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { DeadLetter } from '../dead-letter.store';

export class DeadLetterResponse {
  @ApiProperty({ format: 'uuid', example: '019aa0e5-1c2d-7a3b-8c4d-5e6f7a8b9c0d' })
  id!: string;

  @ApiProperty({ format: 'uuid', example: '019aa0e4-5b7c-7c1e-9f43-0d2c5a7b9e10' })
  tenant_id!: string;

  @ApiProperty({ type: 'string', nullable: true, example: 'order.created' })
  type!: string | null;

  @ApiProperty({ description: 'The text that came.', example: '{"order": 1042' })
  body!: string;

  @ApiPropertyOptional({
    description: 'There when the body is no UTF-8, and `body` its bytes in base64.',
    enum: ['base64'],
    example: 'base64',
  })
  body_encoding?: 'base64';

  @ApiProperty({ example: 'The body is not JSON: Unexpected end of JSON input' })
  reason!: string;

  @ApiProperty({ description: 'How often it was delivered.', type: 'integer', example: 1 })
  attempts!: number;

  @ApiProperty({ format: 'date-time', example: '2026-11-23T09:30:00.000Z' })
  accepted_at!: string;

  @ApiProperty({ format: 'date-time', example: '2026-11-23T09:30:00.012Z' })
  died_at!: string;

  static from(letter: DeadLetter): DeadLetterResponse {
    const { id, tenantId, type, body, reason, attempts, acceptedAt, diedAt } = letter;
    const text = isUtf8(body);
    return {
      id,
      tenant_id: tenantId,
      type,
      body: body.toString(text ? 'utf8' : 'base64'),
      ...(!text && { body_encoding: 'base64' as const }),
      reason,
      attempts,
      accepted_at: acceptedAt.toISOString(),
      died_at: diedAt.toISOString(),
    };
  }
}

export class DeadLetterListResponse {
  @ApiProperty({ type: [DeadLetterResponse] })
  data!: DeadLetterResponse[];

  @ApiProperty({
    description: 'Null after the last page.',
    type: 'string',
    nullable: true,
    example: null,
  })
  next_cursor!: string | null;
}

export class RedrivenResponse {
  @ApiProperty({ description: 'How many are back in the queue.', type: 'integer', example: 12 })
  redriven!: number;
}
