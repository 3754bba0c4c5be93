import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { PageQuery } from '@app/paging';
import { IsIn } from 'class-validator';
import { IsUuid, TenantParams } from '../../tenants/dto/tenant-params.dto';
import type { Order } from '../message-cursor';

export class MessageQuery extends PageQuery {
  @ApiPropertyOptional({
    description:
      '`desc`: newest first. `asc`: in the order in which they were stored, for following along; ' +
      'a reader that keeps asking with `next_cursor` sees every message exactly once.',
    enum: ['asc', 'desc'],
    default: 'desc',
  })
  @IsIn(['asc', 'desc'], { message: 'must be asc or desc' })
  order: Order = 'desc';
}

export class MessageParams extends TenantParams {
  @ApiProperty({ format: 'uuid', example: '019aa0e5-1c2d-7a3b-8c4d-5e6f7a8b9c0d' })
  @IsUuid()
  id!: string;
}
