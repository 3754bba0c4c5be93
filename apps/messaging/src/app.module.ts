import { type DynamicModule, Module, type OnApplicationShutdown } from '@nestjs/common';
import { BrokerModule } from '@app/broker';
import { ConfigModule, type Environment } from '@app/config';
import { DatabaseModule } from '@app/database';
import { MetricsModule } from '@app/metrics';
import { type Tracing, TracingModule } from '@app/tracing';
import { LoggerModule } from 'nestjs-pino';
import type { HttpLogger } from 'pino-http';
import { ApiModule } from './api.module';
import { AuthModule } from './auth/auth.module';
import { ConsumersModule } from './consumers/consumers.module';
import { HealthModule } from './health/health.module';
import { logging } from './logging';
import { MetricsEndpointModule } from './metrics/metrics-endpoint.module';
import { Shutdown, ShutdownModule } from './shutdown';
import { TenantsModule } from './tenants/tenants.module';

/** One program; what it does in this process is a switch. */
@Module({})
export class AppModule implements OnApplicationShutdown {
  constructor(private readonly shutdown: Shutdown) {}

  static for(environment: Environment, tracing: Tracing, log: HttpLogger): DynamicModule {
    const consumers = environment.ROLES.includes('consumer') ? [ConsumersModule] : [];
    const api = environment.ROLES.includes('api') ? [ApiModule] : [];
    const health = HealthModule.of(consumers);
    return {
      module: AppModule,
      imports: [
        ConfigModule.with(environment),
        LoggerModule.forRoot(logging(log)),
        MetricsModule,
        TracingModule.with(tracing),
        ShutdownModule,
        DatabaseModule,
        BrokerModule,
        AuthModule,
        TenantsModule,
        ...consumers,
        ...api,
        health,
        MetricsEndpointModule.of([health, ...consumers], environment),
      ],
    };
  }

  /** Of all such hooks the root module's is the first: HTTP is closed, the connections are next. */
  onApplicationShutdown(): void {
    this.shutdown.closing();
  }
}
