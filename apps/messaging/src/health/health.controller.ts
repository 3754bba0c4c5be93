import { Controller, Get, ParseEnumPipe, Query, ServiceUnavailableException } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiQuery, ApiTags } from '@nestjs/swagger';
import {
  type HealthCheckResult,
  HealthCheckService,
  type HealthIndicatorFunction,
  type HealthIndicatorResult,
  HealthIndicatorService,
} from '@nestjs/terminus';
import { Open } from '../auth/access';
import { InvalidInput } from '../invalid-input';
import { ApiProblems } from '../problem.docs';
import { Shutdown } from '../shutdown';
import { DependenciesHealth } from './dependencies.health';
import { NotReady } from './not-ready';
import { StartupHealth } from './startup.health';

const DEPENDENCIES = { database: 'database', broker: 'broker' } as const;

/**
 * As of Kubernetes' API server. One parameter and not the whole query: a probe may add to its URL what it
 * likes. https://kubernetes.io/docs/reference/using-api/health-checks/
 */
const dependency = new ParseEnumPipe(DEPENDENCIES, {
  optional: true,
  exceptionFactory: () =>
    new InvalidInput([{ field: 'exclude', message: 'must be database or broker' }]),
});

class HealthResponse {
  @ApiProperty({ example: 'ok' })
  status!: string;

  @ApiProperty({ example: { database: { status: 'up' }, broker: { status: 'up' } } })
  details!: HealthIndicatorResult;
}

@ApiTags('health')
@Open()
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicator: HealthIndicatorService,
    private readonly dependencies: DependenciesHealth,
    private readonly startup: StartupHealth,
    private readonly shutdown: Shutdown,
  ) {}

  @Get('live')
  @ApiOperation({ summary: 'The event loop turns; knows nothing of database or broker' })
  @ApiOkResponse({ type: HealthResponse })
  live(): HealthResponse {
    // Not by terminus, to which a process that stops is down.
    return { status: 'ok', details: {} };
  }

  @Get('ready')
  @ApiOperation({ summary: 'It can do its work now' })
  @ApiQuery({
    name: 'exclude',
    required: false,
    enum: DEPENDENCIES,
    description:
      'Is not asked, nor missed: without the database messages are accepted all the same, so a pod ' +
      'that does that alone need not lose its callers with it.',
  })
  @ApiOkResponse({ type: HealthResponse })
  @ApiProblems('invalid-input', 'not-ready')
  ready(
    @Query('exclude', dependency) exclude?: keyof typeof DEPENDENCIES,
  ): Promise<HealthResponse> {
    return this.check([
      () => this.draining(),
      ...(exclude === 'database' ? [] : [() => this.dependencies.databaseCheck()]),
      ...(exclude === 'broker' ? [] : [() => this.dependencies.brokerCheck()]),
    ]);
  }

  @Get('startup')
  @ApiOperation({ summary: 'Migrations are in, and the consumers of the first comparison run' })
  @ApiOkResponse({ type: HealthResponse })
  @ApiProblems('not-ready')
  started(): Promise<HealthResponse> {
    return this.check([() => this.startup.migrationsCheck(), () => this.startup.consumersCheck()]);
  }

  private draining(): HealthIndicatorResult {
    const check = this.indicator.check('draining');
    return this.shutdown.draining ? check.down({ reason: 'this process is stopping' }) : check.up();
  }

  private async check(indicators: HealthIndicatorFunction[]): Promise<HealthResponse> {
    try {
      const { status, details } = await this.health.check(indicators);
      return { status, details };
    } catch (error) {
      if (!(error instanceof ServiceUnavailableException)) throw error;
      throw new NotReady((error.getResponse() as HealthCheckResult).details);
    }
  }
}
