import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, Max, Min } from 'class-validator';
import { DEFAULT_EXPIRES_IN, MAX_EXPIRES_IN } from '../sign-token';

export class IssueToken {
  @ApiPropertyOptional({
    description: 'How long the token holds, in seconds; a year at most.',
    type: 'integer',
    minimum: 1,
    maximum: MAX_EXPIRES_IN,
    default: DEFAULT_EXPIRES_IN,
    example: DEFAULT_EXPIRES_IN,
  })
  @Max(MAX_EXPIRES_IN, { message: `must be at most ${MAX_EXPIRES_IN}` })
  @Min(1, { message: 'must be at least 1' })
  @IsInt({ message: 'must be a whole number' })
  expires_in = DEFAULT_EXPIRES_IN;
}

export class TokenResponse {
  @ApiProperty({ example: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzY29wZSI6InRlbmFudCJ9.…' })
  token!: string;

  @ApiProperty({ enum: ['Bearer'], example: 'Bearer' })
  token_type!: 'Bearer';

  @ApiProperty({ format: 'date-time', example: '2026-11-23T10:30:00.000Z' })
  expires_at!: string;
}
