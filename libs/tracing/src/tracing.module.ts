import { type DynamicModule, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Tracing } from './tracing';

/** Gives the tracing that `main.ts` started to whoever injects {@link Tracing}; sends the last spans. */
@Module({})
export class TracingModule implements OnApplicationShutdown {
  constructor(private readonly tracing: Tracing) {}

  static with(tracing: Tracing): DynamicModule {
    const provider = { provide: Tracing, useValue: tracing };
    return { module: TracingModule, global: true, providers: [provider], exports: [provider] };
  }

  onApplicationShutdown(): Promise<void> {
    return this.tracing.end();
  }
}
