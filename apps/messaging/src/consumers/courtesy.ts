import { Injectable } from '@nestjs/common';
import type { BatchLimits } from './fair-queue';
import { RequestsUnderWay } from './requests-under-way';

/** A tenant with more workers is a large one. */
const SMALL_WORKERS = 10;

export const isSmall = (workers: number): boolean => workers <= SMALL_WORKERS;

const MAX_BYTES = 8 * 1024 * 1024;

/** Past some five hundred rows a statement and its commit get no cheaper per row. */
export const FULL_BATCH: BatchLimits = { maxRows: 500, maxBytes: MAX_BYTES };

/** Some 250 rows cost hardly more than in a full batch, and who comes meanwhile waits half as long. */
const WHILE_OTHERS_ARE_HERE_ROWS = 250;
/** While a batch is read, sent and acked nobody else has a turn. */
const WHILE_OTHERS_WAIT_ROWS = 125;

/** Of the time that a batch took. */
const WHILE_OTHERS_WAIT = 0.5;

/** A small tenant that has got its answer asks for what comes next within this time. */
const NEXT_COMES_WITHIN_MS = 3;

/**
 * What large tenants leave to others: they could keep this process, the database and the broker busy
 * without a pause, and then all that others ask of them would wait in line.
 *
 * Where only large tenants are consumed, that is nothing. Where there is a small one, batches are shorter,
 * which costs hardly anything: when its next message comes cannot be foreseen. While a request is under
 * way, or a small tenant's message, they are shorter still, and a third of the time is left.
 */
@Injectable()
export class Courtesy implements BatchLimits {
  readonly maxBytes = MAX_BYTES;
  private smallTenants = 0;
  private smallOnesWait = (): boolean => false;
  private lastWaitedAt = -Infinity;

  constructor(private readonly requests: RequestsUnderWay) {}

  /** Has it ask `smallOnesWait` whether a message of a small tenant is about to be stored. */
  watch(smallOnesWait: () => boolean): void {
    this.smallOnesWait = smallOnesWait;
  }

  /** A tenant with so many workers has a consumer here from now on. */
  joined(workers: number): void {
    if (isSmall(workers)) this.smallTenants++;
  }

  left(workers: number): void {
    if (isSmall(workers)) this.smallTenants--;
  }

  /** That a batch of large tenants' may hold. */
  get maxRows(): number {
    if (this.smallTenants === 0) return FULL_BATCH.maxRows;
    return this.othersWait ? WHILE_OTHERS_WAIT_ROWS : WHILE_OTHERS_ARE_HERE_ROWS;
  }

  /** How long to rest after one, as a share of its time. */
  get rest(): number {
    return this.othersWait ? WHILE_OTHERS_WAIT : 0;
  }

  private get othersWait(): boolean {
    const now = performance.now();
    if (this.requests.any || this.smallOnesWait()) this.lastWaitedAt = now;
    const patience = this.smallTenants > 0 ? NEXT_COMES_WITHIN_MS : 0;
    return now - this.lastWaitedAt <= patience;
  }
}
