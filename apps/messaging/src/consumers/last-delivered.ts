import { Injectable } from '@nestjs/common';
import type { Delivery } from './delivery';

/**
 * When the message that each tenant's queue delivered last was accepted. A queue delivers in the
 * order in which it was filled: what still waits in it is no older than that.
 */
@Injectable()
export class LastDelivered {
  private readonly acceptedAt = new Map<string, number>();

  /** Takes deliveries in the order in which they came. One that brought no time says nothing. */
  note(deliveries: readonly Delivery[]): void {
    for (const { tenantId, acceptedAt, receivedAt } of deliveries) {
      if (acceptedAt !== receivedAt) this.acceptedAt.set(tenantId, acceptedAt.getTime());
    }
  }

  /** In milliseconds since 1970; undefined when nothing came yet. */
  of(tenantId: string): number | undefined {
    return this.acceptedAt.get(tenantId);
  }

  /** Forgets the tenants that are not `living`. */
  keepOnly(living: { has(tenantId: string): boolean }): void {
    for (const tenantId of this.acceptedAt.keys()) {
      if (!living.has(tenantId)) this.acceptedAt.delete(tenantId);
    }
  }
}
