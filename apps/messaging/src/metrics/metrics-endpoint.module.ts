import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import type { Environment } from '@app/config';
import { ConsumerMetrics } from './consumer.metrics';
import { MetricsController } from './metrics.controller';
import { ProcessMetrics } from './process.metrics';
import { QueueSampler } from './queue-sampler.service';
import { ReadinessMetrics } from './readiness.metrics';

/** Served in every role; `imports` brings what the roles of this process have to tell. */
@Module({})
export class MetricsEndpointModule {
  static of(
    imports: NonNullable<ModuleMetadata['imports']>,
    { ROLES }: Environment,
  ): DynamicModule {
    const ofConsumers = ROLES.includes('consumer') ? [QueueSampler, ConsumerMetrics] : [];
    return {
      module: MetricsEndpointModule,
      imports,
      controllers: [MetricsController],
      providers: [ProcessMetrics, ReadinessMetrics, ...ofConsumers],
    };
  }
}
