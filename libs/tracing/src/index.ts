export { startTracing } from './start-tracing';
export { Tracing } from './tracing';
export { TracingModule } from './tracing.module';
