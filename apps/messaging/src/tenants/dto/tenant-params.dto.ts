import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { Matches } from 'class-validator';

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** A UUID in a path: any case is taken, since queues and routing keys are named in lower case. */
export const IsUuid = (): PropertyDecorator => (target, property) => {
  Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' ? value.toLowerCase() : value,
  )(target, property);
  Matches(UUID, { message: 'must be a UUID' })(target, property);
};

export class TenantParams {
  @ApiProperty({ format: 'uuid', example: '019aa0e4-5b7c-7c1e-9f43-0d2c5a7b9e10' })
  @IsUuid()
  tenant_id!: string;
}
