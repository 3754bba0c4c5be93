export { type GaugeReading, Metrics } from './metrics';
export { MetricsModule } from './metrics.module';
