import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { DependenciesHealth } from './dependencies.health';
import { HealthController } from './health.controller';
import { StartupHealth } from './startup.health';

/** Served in every role; `imports` brings what the roles of this process have to say. */
@Module({})
export class HealthModule {
  static of(imports: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: HealthModule,
      imports: [TerminusModule.forRoot({ logger: false }), ...imports],
      controllers: [HealthController],
      providers: [DependenciesHealth, StartupHealth],
      exports: [DependenciesHealth],
    };
  }
}
