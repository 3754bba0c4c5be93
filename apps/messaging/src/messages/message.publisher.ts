import { Injectable } from '@nestjs/common';
import {
  BrokerUnavailable,
  ConfirmedPublisher,
  type Publishing,
  type PublishOutcome,
  topology,
} from '@app/broker';
import { Environment } from '@app/config';
import { Metrics } from '@app/metrics';
import { uuidv7 } from 'uuidv7';
import { Admission } from '../tenants/limits/admission';
import type { Quota } from '../tenants/limits/quota';
import { TenantNotFound } from '../tenants/tenant.errors';
import { TenantsService } from '../tenants/tenants.service';
import { headersAt, LONG_TYPE, type MessageHeaders } from './message-headers';
import { MessageTraces } from './message-traces';
import { keyedId } from './message-id';
import { MessageTooLarge } from './message.errors';

/** A message as it came in, its payload checked. */
export interface NewMessage {
  /** JSON that `jsonb` can hold, as text. */
  readonly payload: string;
  readonly type: string | null;
  readonly idempotencyKey?: string | undefined;
}

/** A message that was accepted before. */
export interface AcceptedMessage extends Publication {
  readonly tenantId: string;
  readonly acceptedAt: Date;
}

/** What was accepted: its ids, in the order in which it came. */
export interface Accepted {
  readonly ids: string[];
  /** What is left of the tenant's limits, for the caller to know. */
  readonly quotas: readonly Quota[];
}

interface Publication {
  readonly id: string;
  readonly body: Buffer;
  readonly type: string | null;
}

/** Accepts messages: they are in the tenant's queue, on the broker's disk, or the caller hears why not. */
@Injectable()
export class MessagePublisher {
  constructor(
    private readonly publisher: ConfirmedPublisher,
    private readonly tenants: TenantsService,
    private readonly admission: Admission,
    private readonly environment: Environment,
    private readonly metrics: Metrics,
    private readonly traces: MessageTraces,
  ) {}

  /**
   * Publishes `messages` in their order, if the tenant's limits let all of them through, and waits
   * for every confirm, 1.3 s at most; longer where its queue must be put back first.
   *
   * @throws MessageTooLarge, RateLimited, BacklogFull before any is published
   * @throws TenantNotFound when no queue is bound by the id, and no living tenant has it
   * @throws BrokerUnavailable when any is not known to have arrived; to send all of them again is
   *   safe with idempotency keys
   */
  async accept(tenantId: string, messages: readonly NewMessage[]): Promise<Accepted> {
    const publications = messages.map((message) => this.prepare(tenantId, message));
    const quotas = await this.admission.admit(tenantId, publications.length, () =>
      this.publishRouted(tenantId, publications, Date.now()),
    );
    this.metrics.accepted.inc(publications.length);
    return { ids: publications.map(({ id }) => id), quotas };
  }

  private prepare(tenantId: string, message: NewMessage): Publication {
    const { idempotencyKey, type } = message;
    const body = Buffer.from(message.payload);
    const { MAX_MESSAGE_BYTES: maxBytes } = this.environment;
    if (body.byteLength > maxBytes) throw new MessageTooLarge(body.byteLength, maxBytes);
    const id = idempotencyKey === undefined ? uuidv7() : keyedId(tenantId, idempotencyKey);
    return { id, body, type };
  }

  /**
   * Publishes what was accepted once, under its id, as it came then; waits for the confirm.
   *
   * @throws TenantNotFound, BrokerUnavailable
   */
  async publishAgain(message: AcceptedMessage): Promise<void> {
    const { tenantId, acceptedAt } = message;
    await this.publishRouted(tenantId, [message], acceptedAt.getTime());
  }

  /** Has every message carry when it was accepted, and the trace that it belongs to, if any. */
  private publishRouted(
    tenantId: string,
    publications: readonly Publication[],
    acceptedAt: number,
  ): Promise<void> {
    const ids = (): string[] => publications.map(({ id }) => id);
    return this.traces.publishing(tenantId, ids, headersAt(acceptedAt), (headers) =>
      this.publishOrRestore(tenantId, publications, headers),
    );
  }

  /**
   * That nothing was bound by its id is how a removed tenant is noticed, without a query for every
   * message. When the tenant lives, somebody took its queue away: it is put back, and tried again.
   */
  private async publishOrRestore(
    tenantId: string,
    publications: readonly Publication[],
    headers: MessageHeaders,
  ): Promise<void> {
    const done = this.metrics.publishSeconds.startTimer();
    const outcomes = await this.publishAll(tenantId, publications, headers);
    done();
    const unroutable = unroutableOf(publications, outcomes);
    if (unroutable.length === 0) return;
    if (!(await this.tenants.isLiving(tenantId))) throw new TenantNotFound(tenantId);
    await this.tenants.restoreQueue(tenantId);
    const still = unroutableOf(unroutable, await this.publishAll(tenantId, unroutable, headers));
    if (still.length > 0) throw new TenantNotFound(tenantId);
  }

  private publishAll(
    tenantId: string,
    publications: readonly Publication[],
    headers: MessageHeaders,
  ): Promise<readonly PublishOutcome[]> {
    const messages = publications.map((publication) => publishing(publication, headers));
    return this.publisher.publish(topology.messages.exchange, tenantId, messages);
  }
}

/** Those that no queue took. @throws BrokerUnavailable when any is not known to have arrived */
function unroutableOf(
  publications: readonly Publication[],
  outcomes: readonly PublishOutcome[],
): Publication[] {
  for (const outcome of outcomes) {
    if (outcome.kind === 'unavailable') throw new BrokerUnavailable(outcome.reason);
  }
  return publications.filter((_, index) => outcomes[index]?.kind === 'unroutable');
}

/** A short string of AMQP's has at most 255 bytes, and the library throws at a longer one. */
const SHORT_STRING_BYTES = 255;

function publishing({ id, body, type }: Publication, headers: MessageHeaders): Publishing {
  const fits = type === null || Buffer.byteLength(type) <= SHORT_STRING_BYTES;
  return {
    body,
    messageId: id,
    contentType: 'application/json',
    type: fits ? (type ?? undefined) : undefined,
    headers: fits ? headers : { ...headers, [LONG_TYPE]: type },
  };
}
