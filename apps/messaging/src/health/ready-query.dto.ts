import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';

const DEPENDENCIES = ['database', 'broker'] as const;

/** As of the API server of Kubernetes: https://kubernetes.io/docs/reference/using-api/health-checks/ */
export class ReadyQuery {
  @ApiPropertyOptional({
    description:
      'Is not asked, nor missed: without the database messages are accepted all the same, so a pod ' +
      'that does that alone need not lose its callers with it.',
    enum: DEPENDENCIES,
  })
  @IsOptional()
  @IsIn(DEPENDENCIES, { message: 'must be database or broker' })
  exclude?: (typeof DEPENDENCIES)[number];
}
