import { Global, Module } from '@nestjs/common';
import { Metrics } from './metrics';

/** Gives the process's {@link Metrics} to whoever counts something. */
@Global()
@Module({ providers: [Metrics], exports: [Metrics] })
export class MetricsModule {}
