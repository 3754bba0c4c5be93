export { ConfigModule } from './config.module';
export { Environment } from './environment';
export { asksForTraces } from './open-telemetry';
export {
  InvalidEnvironment,
  loadEnvironment,
  loadTokenSettings,
  openTelemetryVariables,
  type TokenSettings,
} from './load-environment';
