import { Injectable, Logger } from '@nestjs/common';
import { aboutTenant } from '../about-tenant';

const WHILE_SECONDS = 10;

/** What may fail of a message, as the line says that tells of several. */
export type Failing = 'go back to their queue' | 'are not kept as dead letters';

/**
 * Tells of messages that fail for a reason that nobody knows. These come by the hundred, and each again
 * at its next delivery, while the log has no line per message: the first of a tenant is told at once,
 * and the others within a while by their number.
 */
@Injectable()
export class StoringFailures {
  private readonly logger = new Logger(StoringFailures.name);
  /** How many more there were, of each tenant and kind that was told of lately. */
  private readonly more = new Map<string, number>();

  tell(tenantId: string, failing: Failing, text: string, error?: unknown): void {
    const key = `${tenantId} ${failing}`;
    const more = this.more.get(key);
    if (more !== undefined) {
      this.more.set(key, more + 1);
      return;
    }
    this.more.set(key, 0);
    this.logger.error(aboutTenant(tenantId, text, error));
    setTimeout(() => this.tellOfMore(key, tenantId, failing), WHILE_SECONDS * 1000).unref();
  }

  private tellOfMore(key: string, tenantId: string, failing: Failing): void {
    const more = this.more.get(key) ?? 0;
    this.more.delete(key);
    if (more === 0) return;
    const times = `${more} times more within ${WHILE_SECONDS} s`;
    const text = `Messages of tenant ${tenantId} ${failing}, ${times}`;
    this.logger.error(aboutTenant(tenantId, text));
  }
}
