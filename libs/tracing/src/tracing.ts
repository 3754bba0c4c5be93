import { setTimeout as delay } from 'node:timers/promises';
import {
  type Context,
  type ContextManager,
  defaultTextMapGetter,
  defaultTextMapSetter,
  INVALID_SPAN_CONTEXT,
  ROOT_CONTEXT,
  type Span,
  type SpanOptions,
  type TextMapPropagator,
  trace,
  type Tracer,
} from '@opentelemetry/api';

/** What there is when traces are asked for; see `open-telemetry`. */
export interface TracingSdk {
  readonly tracer: Tracer;
  readonly propagator: TextMapPropagator;
  readonly contexts: ContextManager;
  /** Sends what was not sent yet. */
  readonly shutdown: () => Promise<void>;
}

/** A collector that does not answer does not hold up a stop for longer. */
const LAST_SPANS_WITHIN_MS = 1_000;

/**
 * Spans, when they are asked for. Off is the default and costs nothing: no SDK is loaded, and who
 * makes spans per request or message looks at {@link enabled} first.
 *
 * Nothing here is global: the tracer and its contexts are handed on like any other part.
 */
export class Tracing {
  constructor(private readonly sdk?: TracingSdk) {}

  get enabled(): boolean {
    return this.sdk !== undefined;
  }

  /** The span in which the caller runs. */
  active(): Span | undefined {
    return this.sdk && trace.getSpan(this.sdk.contexts.active());
  }

  /** A span below `parent`, which is by default the one in which the caller runs. */
  start(name: string, options: SpanOptions, parent = this.context()): Span {
    const span = this.sdk?.tracer.startSpan(name, options, parent);
    return span ?? trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
  }

  /** Does `work`, and what it awaits, in `span`. */
  within<Result>(span: Span, work: () => Result): Result {
    if (!this.sdk) return work();
    const { contexts } = this.sdk;
    return contexts.with(trace.setSpan(contexts.active(), span), work);
  }

  /** The context that came along in headers; an empty one without. https://www.w3.org/TR/trace-context/ */
  received(headers: object): Context {
    return (
      this.sdk?.propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter) ?? ROOT_CONTEXT
    );
  }

  /** The context of `span`, as headers for whoever is to go on with it. */
  headersOf(span: Span): Record<string, string> {
    const headers: Record<string, string> = {};
    const context = trace.setSpan(ROOT_CONTEXT, span);
    this.sdk?.propagator.inject(context, headers, defaultTextMapSetter);
    return headers;
  }

  /** Sends the last spans, within a second; never rejects. */
  async end(): Promise<void> {
    if (!this.sdk) return;
    const sent = this.sdk.shutdown().catch(() => undefined);
    await Promise.race([sent, delay(LAST_SPANS_WITHIN_MS, undefined, { ref: false })]);
  }

  private context(): Context {
    return this.sdk?.contexts.active() ?? ROOT_CONTEXT;
  }
}
