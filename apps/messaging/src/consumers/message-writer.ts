import { Injectable } from '@nestjs/common';
import { DeadLetterStore } from '../dead-letters/dead-letter.store';
import { MessageStore } from '../messages/message.store';
import { TenantPartition } from '../tenants/tenant-partition';
import { TenantsService } from '../tenants/tenants.service';
import { BatchTraces } from './batch-traces';
import { BatchWrite, type WriteParts } from './batch-write';
import type { CheckedDelivery } from './delivery';
import { LastDelivered } from './last-delivered';
import type { Written } from './settlement';
import { StoringFailures } from './storing-failures';
import { UntilAnswered } from './until-answered';

/**
 * Writes batches. While the database is away a batch waits, and with it everybody behind: nothing is
 * acked, and nothing else could be stored either. For a few tenants whose partition somebody has
 * locked nobody else waits.
 */
@Injectable()
export class MessageWriter {
  private readonly parts: WriteParts;

  constructor(
    store: MessageStore,
    deadLetters: DeadLetterStore,
    tenants: TenantsService,
    partition: TenantPartition,
    private readonly database: UntilAnswered,
    private readonly delivered: LastDelivered,
    private readonly traces: BatchTraces,
    failures: StoringFailures,
  ) {
    this.parts = { store, deadLetters, tenants, partition, database, failures };
  }

  /**
   * The outcomes, in the order of the deliveries.
   *
   * @param mostHeld of how many tenants messages may be `held`, to be written apart
   */
  write(batch: readonly CheckedDelivery[], mostHeld: number): Promise<Written[]> {
    this.delivered.note(batch);
    return this.traces.writing(batch, () => new BatchWrite(this.parts, mostHeld).write(batch));
  }

  /** From now on, what cannot be stored at once is given up, to go back to its queue. */
  stop(): void {
    this.database.stop();
  }
}
