import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsInt, IsNotEmpty, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';

export const MAX_PAGE = 200;
export const DEFAULT_PAGE = 50;

/** The parameters that every list takes. */
export class PageQuery {
  @ApiPropertyOptional({
    description: 'How many to return at most; a page that would be larger than 8 MiB has fewer.',
    type: 'integer',
    minimum: 1,
    maximum: MAX_PAGE,
    default: DEFAULT_PAGE,
  })
  // A query string has no numbers: digits become one, all else is left for the validator to name.
  @Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value,
  )
  @Max(MAX_PAGE, { message: `must be at most ${MAX_PAGE}` })
  @Min(1, { message: 'must be at least 1' })
  @IsInt({ message: 'must be a whole number' })
  limit: number = DEFAULT_PAGE;

  @ApiPropertyOptional({
    description: '`next_cursor` of the page before. Opaque; valid across restarts and releases.',
  })
  @IsOptional()
  @MaxLength(500, { message: 'must be a cursor' })
  @IsNotEmpty({ message: 'must not be empty' })
  @IsString({ message: 'must be given once' })
  cursor?: string;
}
