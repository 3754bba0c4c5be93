/**
 * Baseline: the service's own app, with its adapter, parser, guard, pipes, filter and logging, and a
 * handler that answers as the real one does, without a broker.
 */
import '../../apps/messaging/src/v8-flags';
import 'reflect-metadata';
import { Body, Controller, Get, HttpCode, Module, Param, Post } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { ConfigModule, loadEnvironment } from '@app/config';
import { MetricsModule } from '@app/metrics';
import { startTracing, TracingModule } from '@app/tracing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Logger, LoggerModule } from 'nestjs-pino';
import { uuidv7 } from 'uuidv7';
import { AccessGuard } from '../../apps/messaging/src/auth/access.guard';
import { Authentication } from '../../apps/messaging/src/auth/authentication';
import { httpAdapter, setUpApp } from '../../apps/messaging/src/app.setup';
import { logging, requestLog } from '../../apps/messaging/src/logging';
import { MessageInput } from '../../apps/messaging/src/messages/dto/message-input.dto';
import type { AcceptedResponse } from '../../apps/messaging/src/messages/dto/message.response';
import { IdempotencyKey } from '../../apps/messaging/src/messages/idempotency-key';
import { ShutdownModule } from '../../apps/messaging/src/shutdown';
import { TenantParams } from '../../apps/messaging/src/tenants/dto/tenant-params.dto';
import { UnroutedRefusals } from '../../apps/messaging/src/unrouted-refusals';

@Controller()
class NothingController {
  @Get('health/live')
  live(): object {
    return { status: 'ok' };
  }

  @Post('tenants/:tenant_id/messages')
  @HttpCode(202)
  accept(
    @Param() { tenant_id }: TenantParams,
    @Body() _message: MessageInput,
    @IdempotencyKey() _key?: string,
  ): Promise<AcceptedResponse> {
    return Promise.resolve({ id: uuidv7(), tenant_id, status: 'accepted' });
  }
}

async function main(): Promise<void> {
  const environment = loadEnvironment(process.env, process.cwd());
  const tracing = await startTracing(process.env);
  const log = requestLog(environment, tracing);
  const refusals = new UnroutedRefusals();

  @Module({
    imports: [
      ConfigModule.with(environment),
      LoggerModule.forRoot(logging(log)),
      ShutdownModule,
      MetricsModule,
      TracingModule.with(tracing),
    ],
    controllers: [NothingController],
    providers: [
      { provide: APP_GUARD, useClass: AccessGuard },
      // With `AUTH_MODE=off`, as here, nobody is asked.
      { provide: Authentication, useValue: undefined },
    ],
  })
  class NothingModule {}

  const app = await NestFactory.create<NestFastifyApplication>(
    NothingModule,
    httpAdapter(environment, refusals),
    { bufferLogs: true, bodyParser: false },
  );
  app.useLogger(app.get(Logger));
  setUpApp(app, environment, refusals, log);
  await app.listen(environment.PORT, environment.HOST);
}

void main();
