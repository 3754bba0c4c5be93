import { Injectable } from '@nestjs/common';
import { type Attributes, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { topology } from '@app/broker';
import { Tracing } from '@app/tracing';
import type { MessageHeaders } from './message-headers';

type Publish<Result> = (headers: MessageHeaders) => Promise<Result>;

/**
 * The part of a trace between the call and the broker. Names and attributes:
 * https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/
 */
@Injectable()
export class MessageTraces {
  constructor(private readonly tracing: Tracing) {}

  /**
   * Publishes in a span of its own, below the call's; `publish` gets `headers` and those with which
   * whoever consumes goes on. Outside of any trace, or with traces off, there are no others.
   */
  publishing<Result>(
    tenantId: string,
    ids: () => readonly string[],
    headers: MessageHeaders,
    publish: Publish<Result>,
  ): Promise<Result> {
    if (!this.tracing.active()) return publish(headers);
    return this.publishTraced(attributesOf(tenantId, ids()), headers, publish);
  }

  private async publishTraced<Result>(
    attributes: Attributes,
    headers: MessageHeaders,
    publish: Publish<Result>,
  ): Promise<Result> {
    const name = `send ${topology.messages.exchange}`;
    const span = this.tracing.start(name, { kind: SpanKind.PRODUCER, attributes });
    try {
      return await publish({ ...headers, ...this.tracing.headersOf(span) });
    } catch (error) {
      span.setAttribute('error.type', error instanceof Error ? error.name : 'error');
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  }
}

function attributesOf(tenantId: string, ids: readonly string[]): Attributes {
  const [only, ...others] = ids;
  return {
    'messaging.system': 'rabbitmq',
    'messaging.operation.name': 'send',
    'messaging.operation.type': 'send',
    'messaging.destination.name': topology.messages.exchange,
    'messaging.rabbitmq.destination.routing_key': tenantId,
    'tenant.id': tenantId,
    ...(others.length > 0
      ? { 'messaging.batch.message_count': ids.length }
      : { 'messaging.message.id': only ?? '' }),
  };
}
