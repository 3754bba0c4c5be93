import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsString, Matches, ValidateIf } from 'class-validator';
import { LABEL_LENGTH } from '../../label';
import { IsWorkers } from './workers.dto';

/** Text that people read and PostgreSQL can hold: no control characters, no half characters. */
const PRINTABLE = /^[^\p{Cc}\p{Cs}]*$/u;
const NOT_BLANK = /\S/;

/** 1 to 100 characters. Checked from the first line to the last; the first that fails is told. */
export const IsLabel = (): PropertyDecorator => (target, property) => {
  IsString({ message: 'must be a string' })(target, property);
  Matches(LABEL_LENGTH, { message: 'must have 1 to 100 characters' })(target, property);
  Matches(PRINTABLE, { message: 'must not hold control characters' })(target, property);
  Matches(NOT_BLANK, { message: 'must not be blank' })(target, property);
};

export class CreateTenant {
  @ApiProperty({
    description: 'Unique among the living tenants.',
    minLength: 1,
    maxLength: 100,
    example: 'acme',
  })
  @IsLabel()
  name!: string;

  @ApiPropertyOptional({
    description: 'How many messages it may have in work; `DEFAULT_WORKERS` when left out.',
    type: 'integer',
    minimum: 1,
    example: 3,
  })
  @ValidateIf((tenant: CreateTenant) => tenant.workers !== undefined)
  @IsWorkers()
  workers?: number;
}
