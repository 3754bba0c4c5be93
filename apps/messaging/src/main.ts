import './v8-flags';
import { handOverSignals } from './early-signals';
import 'reflect-metadata';
import type { NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  type Environment,
  InvalidEnvironment,
  loadEnvironment,
  openTelemetryVariables,
} from '@app/config';
import { startTracing, type Tracing } from '@app/tracing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Logger } from 'nestjs-pino';
import { AppModule } from './app.module';
import { httpAdapter, setUpApp } from './app.setup';
import { listenForControlEvents } from './consumers/control-events';
import { requestLog } from './logging';
import { UnroutedRefusals } from './unrouted-refusals';

async function main(): Promise<void> {
  const environment = readEnvironment();
  const tracing = await readTracing();
  const log = requestLog(environment, tracing);
  const refusals = new UnroutedRefusals();
  const options: NestApplicationOptions = { bufferLogs: true, bodyParser: false };
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.for(environment, tracing, log),
    httpAdapter(environment, refusals),
    options,
  );
  app.useLogger(app.get(Logger));
  setUpApp(app, environment, refusals, log);
  handOverSignals();
  if (environment.ROLES.includes('consumer')) listenForControlEvents(app, environment);
  await app.listen(environment.PORT, environment.HOST);
}

function readEnvironment(): Environment {
  try {
    return loadEnvironment(process.env, process.cwd());
  } catch (error) {
    if (!(error instanceof InvalidEnvironment)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

/** The SDK reads its variables from the process's environment, which those of `.env` are put into. */
function readTracing(): Promise<Tracing> {
  Object.assign(process.env, openTelemetryVariables(process.env, process.cwd()));
  return startTracing(process.env);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
