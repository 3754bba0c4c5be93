import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { MessageStore } from '../messages/message.store';
import { TenantPartition } from '../tenants/tenant-partition';
import { TenantsService } from '../tenants/tenants.service';
import { deadLetterRow, type Delivery, messageRow } from './delivery';
import type { Outcome } from './settlement';
import { classify, type WriteFailure } from './write-failure';

type Answer =
  { kind: 'done' } | { kind: 'abandoned' } | Exclude<WriteFailure, { kind: 'unavailable' }>;

const FIRST_RETRY_MS = 50;
/** A database that is back is noticed within this time. */
const LAST_RETRY_MS = 2_000;

/**
 * Finds every delivery of a batch its outcome. A batch goes in as a whole; when it is refused, it is
 * split until the row at fault is alone, and the others are in. While the database is away the batch
 * waits, and with it everybody behind: nothing is acked, and nothing else could be stored either.
 */
@Injectable()
export class MessageWriter {
  private readonly logger = new Logger(MessageWriter.name);
  private readonly stopping = new AbortController();

  constructor(
    private readonly store: MessageStore,
    private readonly tenants: TenantsService,
    private readonly partition: TenantPartition,
  ) {}

  /** The outcomes, in the order of the deliveries. */
  async write(batch: readonly Delivery[]): Promise<Outcome[]> {
    const outcomes = new Map<Delivery, Outcome>();
    const sound = batch.filter(({ problem }) => problem === undefined);
    await this.insert(sound.toSorted(byTenantAndId), outcomes);
    for (const delivery of batch) {
      const { problem } = delivery;
      if (problem !== undefined) outcomes.set(delivery, await this.bury(delivery, problem));
    }
    return batch.map((delivery) => outcomes.get(delivery) ?? { kind: 'abandoned' });
  }

  /** From now on, what cannot be stored at once is given up, to go back to its queue. */
  stop(): void {
    this.stopping.abort();
  }

  private async insert(
    deliveries: readonly Delivery[],
    outcomes: Map<Delivery, Outcome>,
  ): Promise<void> {
    if (deliveries.length === 0) return;
    const answer = await this.ask(() => this.store.insert(deliveries.map(messageRow)));
    const setAll = (outcome: Outcome): void => {
      for (const delivery of deliveries) outcomes.set(delivery, outcome);
    };
    switch (answer.kind) {
      case 'done': {
        setAll({ kind: 'stored' });
        return;
      }
      case 'abandoned': {
        setAll({ kind: 'abandoned' });
        return;
      }
      case 'no partition':
        return this.insertWithout(answer.tenantId, deliveries, outcomes);
      case 'refused':
      case 'unknown':
        return this.insertSplit(answer, deliveries, outcomes);
    }
  }

  /** Lets go of a removed tenant's messages, or gives a living one its partition back. */
  private async insertWithout(
    tenantId: string | undefined,
    deliveries: readonly Delivery[],
    outcomes: Map<Delivery, Outcome>,
  ): Promise<void> {
    const theirs = deliveries.filter((delivery) => delivery.tenantId === tenantId);
    const others = deliveries.filter((delivery) => delivery.tenantId !== tenantId);
    if (tenantId === undefined || theirs.length === 0) {
      const failure = { kind: 'refused', reason: 'a row has no partition' } as const;
      return this.insertSplit(failure, deliveries, outcomes);
    }
    const outcome = await this.partitionless(tenantId);
    if (outcome) for (const delivery of theirs) outcomes.set(delivery, outcome);
    await this.insert(outcome ? others : deliveries, outcomes);
  }

  /** @returns what becomes of the tenant's messages, or undefined when they can be tried again */
  private async partitionless(tenantId: string): Promise<Outcome | undefined> {
    const found = { living: false };
    const answer = await this.ask(async () => {
      found.living = await this.tenants.isLiving(tenantId);
      if (found.living) await this.partition.restore(tenantId);
    });
    if (answer.kind === 'abandoned') return answer;
    if (answer.kind !== 'done') return { kind: 'failed' };
    return found.living ? undefined : { kind: 'tenant gone' };
  }

  private async insertSplit(
    failure: Extract<WriteFailure, { reason: string }>,
    deliveries: readonly Delivery[],
    outcomes: Map<Delivery, Outcome>,
  ): Promise<void> {
    const [only, ...others] = deliveries;
    if (only && others.length === 0) {
      outcomes.set(only, await this.giveUp(only, failure));
      return;
    }
    const half = Math.ceil(deliveries.length / 2);
    await this.insert(deliveries.slice(0, half), outcomes);
    await this.insert(deliveries.slice(half), outcomes);
  }

  private async giveUp(
    delivery: Delivery,
    { kind, reason }: Extract<WriteFailure, { reason: string }>,
  ): Promise<Outcome> {
    if (kind === 'refused') return this.bury(delivery, reason);
    const { id, tenantId } = delivery;
    this.logger.error(`Message ${id} of tenant ${tenantId} goes back to its queue: ${reason}`);
    return { kind: 'failed' };
  }

  /** Keeps what can never be stored, with the reason. */
  private async bury(delivery: Delivery, reason: string): Promise<Outcome> {
    const { tenantId } = delivery;
    const answer = await this.ask(() => this.store.keepDeadLetter(deadLetterRow(delivery, reason)));
    switch (answer.kind) {
      case 'done':
        return { kind: 'dead', reason };
      case 'abandoned':
        return { kind: 'abandoned' };
      case 'no partition':
        return (await this.partitionless(tenantId)) ?? this.bury(delivery, reason);
      case 'refused':
      case 'unknown':
        this.logger.error(`A dead letter of tenant ${tenantId} is not kept: ${answer.reason}`);
        return { kind: 'failed' };
    }
  }

  /** Asks the database until it answers, whatever the answer is, or until we stop. */
  private async ask(work: () => Promise<void>): Promise<Answer> {
    for (let attempt = 0; ; attempt++) {
      const failure = await work().then(() => undefined, classify);
      if (!failure) return { kind: 'done' };
      if (failure.kind !== 'unavailable') return failure;
      if (this.stopping.signal.aborted) return { kind: 'abandoned' };
      this.logger.warn(`Not stored yet, trying again: ${failure.reason}`);
      await this.pause(attempt);
    }
  }

  /** Exponential, with full jitter: lanes and replicas that failed together come back apart. */
  private async pause(attempt: number): Promise<void> {
    const longest = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt, 10));
    const { signal } = this.stopping;
    const wait = longest / 2 + (Math.random() * longest) / 2;
    await delay(wait, undefined, { signal }).catch(() => undefined);
  }
}

/** The order in which every batch locks its rows. */
function byTenantAndId(a: Delivery, b: Delivery): number {
  return compare(a.tenantId, b.tenantId) || compare(a.id, b.id);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
