import { type DynamicModule, Module } from '@nestjs/common';
import { Environment } from './environment';

/** Gives the environment, read once in `main.ts`, to whoever injects {@link Environment}. */
@Module({})
export class ConfigModule {
  static with(environment: Environment): DynamicModule {
    const provider = { provide: Environment, useValue: environment };
    return { module: ConfigModule, global: true, providers: [provider], exports: [provider] };
  }
}
