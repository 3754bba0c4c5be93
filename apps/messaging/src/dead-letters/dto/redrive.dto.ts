import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, Max, Min } from 'class-validator';

const MAX_REDRIVE = 1_000;

export class RedriveSome {
  @ApiPropertyOptional({
    description: 'How many to put back at most, those that died first.',
    type: 'integer',
    minimum: 1,
    maximum: MAX_REDRIVE,
    default: 100,
    example: 100,
  })
  @Max(MAX_REDRIVE, { message: `must be at most ${MAX_REDRIVE}` })
  @Min(1, { message: 'must be at least 1' })
  @IsInt({ message: 'must be a whole number' })
  limit = 100;
}
