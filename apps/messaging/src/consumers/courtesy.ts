import { Injectable } from '@nestjs/common';
import type { BatchLimits } from './fair-queue';
import { RequestsUnderWay } from './requests-under-way';

/** A tenant with more workers is a large one. */
const SMALL_WORKERS = 10;

export const isSmall = (workers: number): boolean => workers <= SMALL_WORKERS;

const MAX_BYTES = 8 * 1024 * 1024;

/** Past some five hundred rows a statement and its commit get no cheaper per row. */
export const FULL_BATCH: BatchLimits = { maxRows: 500, maxBytes: MAX_BYTES };

/** So many cost hardly more per row than in a full batch, and who comes meanwhile waits half as long. */
const BESIDE_OTHERS_ROWS = 250;

/** Of the time that a batch took. */
const WHILE_OTHERS_WAIT = 0.4;

/** A small tenant that has got its answer asks for what comes next within this time. */
const NEXT_COMES_WITHIN_MS = 3;

/**
 * What large tenants leave to others: they could keep this process, the database and the broker busy
 * without a pause, and then all that others ask of them would wait in line.
 *
 * Where only large tenants are consumed, that is nothing. Where there is a small one, batches are shorter,
 * which costs hardly anything: when its next message comes cannot be foreseen. While a request is under
 * way, or a small tenant's message, a good quarter of the time is left.
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
    return this.smallTenants === 0 ? FULL_BATCH.maxRows : BESIDE_OTHERS_ROWS;
  }

  /** How long to rest after one, as a share of its time. */
  get rest(): number {
    return this.doOthersWait() ? WHILE_OTHERS_WAIT : 0;
  }

  /** To be asked often: it remembers when somebody was last seen to wait. */
  private doOthersWait(): boolean {
    const now = performance.now();
    if (this.requests.any || this.smallOnesWait()) this.lastWaitedAt = now;
    const patience = this.smallTenants > 0 ? NEXT_COMES_WITHIN_MS : 0;
    return now - this.lastWaitedAt <= patience;
  }
}
