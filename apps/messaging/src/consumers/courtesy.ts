import { Injectable } from '@nestjs/common';
import type { BatchLimits } from './fair-queue';
import { RequestsUnderWay } from './requests-under-way';

/** A tenant with more workers is a large one. */
const SMALL_WORKERS = 10;

export const isSmall = (workers: number): boolean => workers <= SMALL_WORKERS;

const MAX_BYTES = 8 * 1024 * 1024;

/** Past some five hundred rows a statement and its commit get no cheaper per row. */
export const FULL_BATCH: BatchLimits = { maxRows: 500, maxBytes: MAX_BYTES };

/** While a batch is read, sent and acked nobody else has a turn: with a quarter of the rows they wait a quarter as long. */
const SHORT_BATCH_ROWS = 125;

/** Of the time that a batch took. */
const WHILE_OTHERS_ARE_HERE = 0.2;
const WHILE_OTHERS_WAIT = 0.5;

/**
 * What large tenants leave to others: they could keep this process, the database and the broker busy
 * without a pause, and then all that others ask of them would wait in line.
 *
 * Where only large tenants are consumed, that is nothing. Where there is a small one, a sixth of the
 * time is left to it, and batches are shorter: when its next message comes cannot be foreseen. While a
 * request is under way, or a small tenant's message, a third is left.
 */
@Injectable()
export class Courtesy implements BatchLimits {
  readonly maxBytes = MAX_BYTES;
  private smallTenants = 0;

  constructor(private readonly requests: RequestsUnderWay) {}

  /** A tenant with so many workers has a consumer here from now on. */
  joined(workers: number): void {
    if (isSmall(workers)) this.smallTenants++;
  }

  left(workers: number): void {
    if (isSmall(workers)) this.smallTenants--;
  }

  /** That a batch of large tenants' may hold. */
  get maxRows(): number {
    return this.smallTenants > 0 ? SHORT_BATCH_ROWS : FULL_BATCH.maxRows;
  }

  /** How long to rest after one, as a share of its time. */
  rest(smallOnesWait: boolean): number {
    if (smallOnesWait || this.requests.any) return WHILE_OTHERS_WAIT;
    return this.smallTenants > 0 ? WHILE_OTHERS_ARE_HERE : 0;
  }
}
