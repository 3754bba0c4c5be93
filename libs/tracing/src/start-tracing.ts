import { asksForTraces } from '@app/config';
import { Tracing } from './tracing';

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Traces, when OpenTelemetry's standard variables ask for them. Only then is the SDK loaded; it reads
 * all others of these variables by itself.
 */
export async function startTracing(variables: Variables): Promise<Tracing> {
  if (!asksForTraces(variables)) return new Tracing();
  const { openTelemetry } = await import('./open-telemetry.js');
  return new Tracing(openTelemetry());
}
