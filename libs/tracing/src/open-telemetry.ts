import { Logger } from '@nestjs/common';
import { diag, DiagLogLevel } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { TracingSdk } from './tracing';

const NAME = 'messaging';

/** A batch links to each of its messages; the default of 128 would drop most links of a full one. */
const LINKS_PER_SPAN = 512;

/** A collector that is away fails every few seconds, for as long as it is away. */
const COMPLAIN_EVERY_MS = 60_000;

/** The SDK, set up from the environment alone: exporter, sampler, limits, the resource's attributes. */
export function openTelemetry(): TracingSdk {
  complainRarely(new Logger('Tracing'));
  const provider = new BasicTracerProvider({
    resource: resource(),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
    ...(!process.env['OTEL_SPAN_LINK_COUNT_LIMIT'] && {
      spanLimits: { linkCountLimit: LINKS_PER_SPAN },
    }),
  });
  return {
    tracer: provider.getTracer(NAME),
    propagator: new W3CTraceContextPropagator(),
    contexts: new AsyncLocalStorageContextManager().enable(),
    shutdown: () => provider.shutdown(),
  };
}

/** Ours is the least of the names: `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` go before it. */
function resource(): Resource {
  return defaultResource()
    .merge(resourceFromAttributes({ 'service.name': NAME }))
    .merge(detectResources({ detectors: [envDetector] }));
}

/** These two are the SDK's own, and process-wide; they say nothing by default. */
function complainRarely(logger: Logger): void {
  let silentUntil = 0;
  const complain = (what: string): void => {
    if (Date.now() < silentUntil) return;
    silentUntil = Date.now() + COMPLAIN_EVERY_MS;
    logger.warn(what);
  };
  setGlobalErrorHandler((error) => {
    const { message } = error instanceof Error ? error : new Error('no reason given');
    complain(`Spans are not exported: ${message}`);
  });
  const ignore = (): void => undefined;
  const quiet = { warn: ignore, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger({ ...quiet, error: complain }, { logLevel: DiagLogLevel.ERROR });
}
