import { Injectable } from '@nestjs/common';
import { Allowance } from './allowance';
import { RequestsUnderWay } from './requests-under-way';
import type { SliceLimits } from './slices';

/** A tenant with more workers is a large one. */
const SMALL_WORKERS = 10;

export const isSmall = (workers: number): boolean => workers <= SMALL_WORKERS;

/** What is read from a socket at once takes some twenty times as long to handle. */
const SLICE_MS = 0.15;

/** On each hangs an ack, and on all of a batch some two milliseconds, in which nobody else has his turn. */
const RESULTS_AT_A_TIME = 10;

/** Of all time: whoever asks without a pause has no more of it than who does now and then. */
const RESTS = 0.08;

/** Saved up at most for who waits seldom: two rests, as a batch takes some ten milliseconds. */
const MOST_RESTS_MS = 20;

/** A small tenant that has got its answer asks for what comes next within this time. */
const NEXT_COMES_WITHIN_MS = 3;

/**
 * What large tenants leave to others: they could keep this process, the database and the broker busy
 * without a pause, and then all that others ask of them would wait in line.
 *
 * Where only large tenants are consumed, that is nothing. Where there is a small one, whose next message
 * cannot be foreseen, or a request is under way, only a little is done in each turn of the event loop. While
 * anybody waits, a batch that is stored is followed by a rest as long as it took, as far as the share of all
 * time that they may rest allows that: before its acks, each of which has the broker deliver the next one.
 */
@Injectable()
export class Courtesy implements SliceLimits {
  private smallTenants = 0;
  private smallOnesWait = (): boolean => false;
  private lastWaitedAt = -Infinity;
  private readonly rests = new Allowance(RESTS, MOST_RESTS_MS);

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

  get sliceMs(): number {
    return this.areOthersThere ? SLICE_MS : Infinity;
  }

  /** How many results of a batch are handed out in one turn of the event loop. */
  get resultsAtATime(): number {
    return this.areOthersThere ? RESULTS_AT_A_TIME : Infinity;
  }

  /** How many milliseconds to rest after a batch that took so many. */
  restAfter(tookMs: number): number {
    return this.doOthersWait() ? this.rests.take(tookMs) : 0;
  }

  private get areOthersThere(): boolean {
    return this.smallTenants > 0 || this.requests.any;
  }

  /** To be asked often: it remembers when somebody was last seen to wait. */
  doOthersWait(): boolean {
    const now = performance.now();
    if (this.requests.any || this.smallOnesWait()) this.lastWaitedAt = now;
    const patience = this.smallTenants > 0 ? NEXT_COMES_WITHIN_MS : 0;
    return now - this.lastWaitedAt <= patience;
  }
}
