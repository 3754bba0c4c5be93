import { ApiProperty } from '@nestjs/swagger';
import { Environment } from '@app/config';
import {
  IsInt,
  Min,
  Validate,
  ValidatorConstraint,
  type ValidatorConstraintInterface,
} from 'class-validator';

/** `MAX_WORKERS` is known at run time only, so the validator asks the environment. */
@ValidatorConstraint({ name: 'atMostMaxWorkers' })
export class AtMostMaxWorkers implements ValidatorConstraintInterface {
  constructor(private readonly environment: Environment) {}

  validate(workers: unknown): boolean {
    return typeof workers !== 'number' || workers <= this.environment.MAX_WORKERS;
  }

  defaultMessage(): string {
    return `must be at most ${this.environment.MAX_WORKERS}`;
  }
}

/** A whole number from 1 to `MAX_WORKERS`. Checked in this order; the first that fails is told. */
export const IsWorkers = (): PropertyDecorator => (target, property) => {
  IsInt({ message: 'must be a whole number' })(target, property);
  Min(1, { message: 'must be at least 1' })(target, property);
  Validate(AtMostMaxWorkers)(target, property);
};

export class SetWorkers {
  @ApiProperty({
    description:
      'How many messages of the tenant may be taken from its queue and not yet settled, however ' +
      'many replicas there are. At most `MAX_WORKERS`.',
    type: 'integer',
    minimum: 1,
    example: 8,
  })
  @IsWorkers()
  workers!: number;
}
