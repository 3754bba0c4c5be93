import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, Max, Min, ValidateIf } from 'class-validator';
import type { Limits } from '../limits/tenant-limits';

const MAX_RATE = 1_000_000;
const MAX_BACKLOG = 1_000_000_000;

/** Left out: as it was. Null: no limit. Checked in this order; the first that fails is told. */
const IsLimit =
  (max: number): PropertyDecorator =>
  (target, property) => {
    ValidateIf((_, value) => value !== undefined && value !== null)(target, property);
    IsInt({ message: 'must be a whole number, or null' })(target, property);
    Min(1, { message: 'must be at least 1' })(target, property);
    Max(max, { message: `must be at most ${max}` })(target, property);
  };

export class SetLimits {
  @ApiPropertyOptional({
    description:
      'How many messages a second are accepted over HTTP, a batch counting as many as it holds. ' +
      'Up to a second’s worth may come at once. Null: no limit.',
    type: 'integer',
    minimum: 1,
    maximum: MAX_RATE,
    nullable: true,
    example: 100,
  })
  @IsLimit(MAX_RATE)
  rate_limit?: number | null;

  @ApiPropertyOptional({
    description: 'How many messages may wait in the queue before more are refused. Null: no limit.',
    type: 'integer',
    minimum: 1,
    maximum: MAX_BACKLOG,
    nullable: true,
    example: 100000,
  })
  @IsLimit(MAX_BACKLOG)
  max_backlog?: number | null;

  static toChange({ rate_limit, max_backlog }: SetLimits): Partial<Limits> {
    return {
      ...(rate_limit !== undefined && { rateLimit: rate_limit }),
      ...(max_backlog !== undefined && { maxBacklog: max_backlog }),
    };
  }
}
