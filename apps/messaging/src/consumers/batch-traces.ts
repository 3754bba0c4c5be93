import { Injectable } from '@nestjs/common';
import { type Attributes, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { topology } from '@app/broker';
import { Tracing } from '@app/tracing';
import type { Delivery } from './delivery';
import type { Written } from './settlement';

interface TracedDelivery {
  readonly span: Span;
  readonly at: number;
}

/**
 * The last part of a trace: from the delivery of a message to the insert of the batch that it is in.
 *
 * A message that brought a context gets a span below it. The batch belongs to many traces and can be
 * below one span only: below its first message's, so that the trace of a lone message is whole, with
 * links to all of them, and one from each to it.
 *
 * https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
 * https://opentelemetry.io/docs/specs/semconv/database/database-spans/
 */
@Injectable()
export class BatchTraces {
  constructor(private readonly tracing: Tracing) {}

  /** Does `write`, in a span when any of the deliveries brought a context along. */
  writing(batch: readonly Delivery[], write: () => Promise<Written[]>): Promise<Written[]> {
    if (!this.tracing.enabled) return write();
    const traced = batch.flatMap((delivery, at) => this.begin(delivery, at));
    const [first] = traced;
    return first ? this.writeTraced(batch.length, traced, first.span, write) : write();
  }

  /** The span begins when the message came, which was before its batch was gathered. */
  private begin(delivery: Delivery, at: number): TracedDelivery[] {
    const { traceHeaders, receivedAt } = delivery;
    if (!traceHeaders) return [];
    const parent = this.tracing.received(traceHeaders);
    if (!trace.getSpanContext(parent)) return [];
    const options = {
      kind: SpanKind.CONSUMER,
      startTime: receivedAt,
      attributes: attributesOf(delivery),
    };
    const span = this.tracing.start(`process ${topology.messages.exchange}`, options, parent);
    // One that is not sampled would take the batch's span, which is below it, along.
    return span.isRecording() ? [{ span, at }] : [];
  }

  private async writeTraced(
    rows: number,
    traced: readonly TracedDelivery[],
    first: Span,
    write: () => Promise<Written[]>,
  ): Promise<Written[]> {
    const batch = this.beginBatch(rows, traced, first);
    let outcomes: Written[] = [];
    try {
      outcomes = await this.tracing.within(batch, write);
      return outcomes;
    } finally {
      batch.end();
      for (const { span, at } of traced) end(span, outcomes[at]?.kind ?? 'failed');
    }
  }

  private beginBatch(rows: number, traced: readonly TracedDelivery[], first: Span): Span {
    const links = traced.map(({ span }) => ({ context: span.spanContext() }));
    const attributes = {
      'db.system.name': 'postgresql',
      'db.operation.name': 'INSERT',
      'db.collection.name': 'messages',
      ...(rows > 1 && { 'db.operation.batch.size': rows }),
    };
    const options = { kind: SpanKind.CLIENT, links, attributes };
    const batch = this.tracing.within(first, () => this.tracing.start('INSERT messages', options));
    const link = { context: batch.spanContext() };
    for (const { span } of traced) if (span !== first) span.addLink(link);
    return batch;
  }
}

function attributesOf({ tenantId, id, attempts }: Delivery): Attributes {
  return {
    'messaging.system': 'rabbitmq',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': topology.messages.exchange,
    'messaging.destination.subscription.name': topology.queueFor(tenantId),
    'messaging.rabbitmq.destination.routing_key': tenantId,
    'messaging.message.id': id,
    'messaging.message.delivery_attempts': attempts,
    'tenant.id': tenantId,
  };
}

function end(span: Span, outcome: Written['kind']): void {
  span.setAttribute('messaging.message.outcome', outcome);
  if (outcome === 'failed' || outcome === 'abandoned') {
    span.setAttribute('error.type', outcome);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}
