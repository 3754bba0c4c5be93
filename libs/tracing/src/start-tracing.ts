import { Tracing } from './tracing';

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Traces, when OpenTelemetry's standard variables ask for them: an endpoint, or the exporter `otlp`.
 * Only then is the SDK loaded; it reads all others of these variables by itself.
 *
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export async function startTracing(variables: Variables): Promise<Tracing> {
  if (!areAskedFor(variables)) return new Tracing();
  const { openTelemetry } = await import('./open-telemetry.js');
  return new Tracing(openTelemetry());
}

function areAskedFor(variables: Variables): boolean {
  if (variables['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return false;
  const exporters = variables['OTEL_TRACES_EXPORTER'];
  if (exporters) return exporters.split(',').some((name) => name.trim() === 'otlp');
  const { OTEL_EXPORTER_OTLP_ENDPOINT: all, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own } = variables;
  return !!all || !!own;
}
