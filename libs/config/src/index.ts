export { ConfigModule } from './config.module';
export { Environment, type Role } from './environment';
export { InvalidEnvironment, loadEnvironment, openTelemetryVariables } from './load-environment';
