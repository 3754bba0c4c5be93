import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '@app/database';

/** The first one that is counted is the second delivery. */
const COUNT: Statement = {
  name: 'count-redelivery',
  text: `
    INSERT INTO uncounted_redeliveries AS r (tenant_id, message) VALUES ($1, $2)
    ON CONFLICT (tenant_id, message)
    DO UPDATE SET deliveries = r.deliveries + 1, last_at = clock_timestamp()
    RETURNING deliveries`,
};

const FORGET: Statement = {
  name: 'forget-redelivery',
  text: `DELETE FROM uncounted_redeliveries WHERE tenant_id = $1 AND message = $2`,
};

/** The counts of what never came again, as when its tenant was removed. */
const FORGET_OLD: Statement = {
  name: 'forget-old-redeliveries',
  text: `
    DELETE FROM uncounted_redeliveries WHERE last_at < clock_timestamp() - interval '7 days'`,
};

/** It looks through all of the table. */
const FORGET_OLD_EVERY_MS = 3_600_000;

/** The table in which redeliveries of classic queues are counted. */
@Injectable()
export class UncountedRedeliveries {
  private forgotOldAt = -Infinity;

  constructor(private readonly database: Database) {}

  /** @returns how often it was delivered by now */
  async count(tenantId: string, message: string): Promise<number> {
    const [row] = await this.database.run<{ deliveries: number }>(COUNT, [tenantId, message]);
    return row?.deliveries ?? 2;
  }

  async forget(tenantId: string, message: string): Promise<void> {
    await this.database.run(FORGET, [tenantId, message]);
    const now = performance.now();
    if (now - this.forgotOldAt < FORGET_OLD_EVERY_MS) return;
    this.forgotOldAt = now;
    await this.database.run(FORGET_OLD, []);
  }
}
