import { Injectable, Logger } from '@nestjs/common';
import { Environment } from '@app/config';
import type { ConsumeMessage } from 'amqplib';
import { aboutTenant } from '../about-tenant';
import { keyedId } from '../messages/message-id';
import { DeadLetterBurial } from './dead-letter-burial';
import { type Delivery, isUncounted } from './delivery';
import { goesBack, type Outcome } from './settlement';
import { UncountedRedeliveries } from './uncounted-redeliveries';
import { UntilAnswered } from './until-answered';

/**
 * Keeps the promise of `DEAD_LETTER_AFTER`: what was delivered so often and never settled is set aside
 * before it can kill this process too. A quorum queue says how often it was. A classic queue says only
 * that it was, so that is counted here, before whatever kills the process has its chance. A first
 * delivery costs nothing, nor does any of a quorum queue.
 */
@Injectable()
export class DeliveryLimit {
  private readonly logger = new Logger(DeliveryLimit.name);

  constructor(
    private readonly redeliveries: UncountedRedeliveries,
    private readonly burial: DeadLetterBurial,
    private readonly database: UntilAnswered,
    private readonly environment: Environment,
  ) {}

  /** Stores a delivery, or sets it aside when it came too often. */
  guard(
    delivery: Delivery,
    message: ConsumeMessage,
    store: () => Promise<Outcome>,
  ): Promise<Outcome> {
    if (isUncounted(message)) return this.counted(delivery, message, store);
    return this.storeOrBury(delivery, delivery.attempts, store);
  }

  private async counted(
    delivery: Delivery,
    message: ConsumeMessage,
    store: () => Promise<Outcome>,
  ): Promise<Outcome> {
    const key = keyOf(delivery, message);
    const deliveries = await this.count(delivery.tenantId, key);
    if (typeof deliveries !== 'number') return deliveries;
    const outcome = await this.storeOrBury(delivery, deliveries, store);
    if (!goesBack(outcome)) await this.forget(delivery.tenantId, key);
    return outcome;
  }

  /** @returns how often it was delivered, this time included; or what became of it instead */
  private async count(tenantId: string, key: string): Promise<number | Outcome> {
    let deliveries = 0;
    const answer = await this.database.ask(async () => {
      deliveries = await this.redeliveries.count(tenantId, key);
    });
    if (answer.kind === 'done') return deliveries;
    return answer.kind === 'abandoned' ? answer : { kind: 'failed' };
  }

  private storeOrBury(
    delivery: Delivery,
    deliveries: number,
    store: () => Promise<Outcome>,
  ): Promise<Outcome> {
    const handled = deliveries - 1;
    if (handled < this.environment.DEAD_LETTER_AFTER) return store();
    return this.burial.keep({ ...delivery, attempts: handled }, neverSettled(handled));
  }

  /** One that is left over is deleted by and by, and hurts only a message that comes back again. */
  private async forget(tenantId: string, key: string): Promise<void> {
    await this.redeliveries.forget(tenantId, key).catch((error: unknown) => {
      const text = `A count of redeliveries stays for now: ${String(error)}`;
      this.logger.warn(aboutTenant(tenantId, text));
    });
  }
}

/** Why a message is set aside that may well be sound. */
const neverSettled = (attempts: number): string =>
  `It was delivered ${attempts} times and never settled: it keeps killing its consumer`;

/** A message without an id gets another one at each delivery; its body stays. */
function keyOf(delivery: Delivery, { properties }: ConsumeMessage): string {
  const messageId: unknown = properties.messageId;
  if (typeof messageId === 'string' && messageId !== '') return delivery.id;
  return keyedId(delivery.tenantId, delivery.body.toString('base64'));
}
