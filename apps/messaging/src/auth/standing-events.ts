import { Injectable, Logger } from '@nestjs/common';
import { ConsumingConnection, declareControlQueue } from '@app/broker';
import { Environment } from '@app/config';
import type { ConfirmChannel } from 'amqplib';
import { changedTenant, TENANT_CHANGED } from '../tenants/tenant-changes';
import { TenantStandings } from './tenant-standings';

/**
 * Hears from the broker that a tenant changed: what was known of its tokens counts no more. So they end
 * in time also where the database is slow or cannot be reached: that tenant waits for its answer, and
 * gets 503 without one, while all others go on as known.
 */
@Injectable()
export class StandingEvents {
  private readonly logger = new Logger(StandingEvents.name);

  constructor(
    { AUTH_MODE }: Environment,
    { amqp }: ConsumingConnection,
    private readonly standings: TenantStandings,
  ) {
    if (AUTH_MODE === 'off') return;
    amqp.managedChannel
      .addSetup((channel: ConfirmChannel) => this.listen(channel))
      .catch((error: unknown) => this.logger.warn(`Not heard until later: ${String(error)}`));
  }

  private async listen(channel: ConfirmChannel): Promise<void> {
    const queue = await declareControlQueue(channel);
    const forget = (message: { content: Buffer } | null): void => {
      const tenantId = message ? changedIn(message.content) : undefined;
      if (tenantId !== undefined) this.standings.forget(tenantId);
    };
    await channel.consume(queue, forget, { noAck: true });
  }
}

/** The tenant of an event; undefined when it is another, or nothing that a replica would send. */
function changedIn(content: Buffer): string | undefined {
  try {
    const event = JSON.parse(content.toString()) as { pattern?: unknown; data?: unknown };
    return event.pattern === TENANT_CHANGED ? changedTenant(event.data) : undefined;
  } catch {
    return undefined;
  }
}
