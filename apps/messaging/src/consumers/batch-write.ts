import type { DeadLetterStore } from '../dead-letters/dead-letter.store';
import { type MessageStore, PartitionHeld } from '../messages/message.store';
import type { TenantPartition } from '../tenants/tenant-partition';
import type { TenantsService } from '../tenants/tenants.service';
import { deadLetterRow, type CheckedDelivery, messageRow } from './delivery';
import type { Outcome, Written } from './settlement';
import type { StoringFailures } from './storing-failures';
import type { UntilAnswered } from './until-answered';
import type { WriteFailure } from './write-failure';

export interface WriteParts {
  readonly store: MessageStore;
  readonly deadLetters: DeadLetterStore;
  readonly tenants: TenantsService;
  readonly partition: TenantPartition;
  readonly database: UntilAnswered;
  readonly failures: StoringFailures;
}

type AtFault = Extract<WriteFailure, { kind: 'refused' | 'unknown' }>;

const PLACE_UNKNOWN: AtFault = { kind: 'unknown', reason: 'a partition was missing a moment ago' };

const HELD: Written = { kind: 'held' };

/**
 * The writing of one batch: finds every delivery its outcome. The batch goes in as a whole; when it
 * is refused, it is split until the row at fault is alone, and the others are in. When another session
 * holds the partitions of a few tenants, theirs are `held`, and the others are in.
 */
export class BatchWrite {
  private readonly outcomes = new Map<CheckedDelivery, Written>();
  /** Tenants that got a partition back: if that did not help, doing it again will not either. */
  private readonly restored = new Set<string>();
  private readonly held = new Set<string>();

  /** @param mostHeld of how many tenants messages may be `held`; beyond, all wait */
  constructor(
    private readonly parts: WriteParts,
    private mostHeld: number,
  ) {}

  /** The outcomes, in the order of the deliveries. Sound ones first: they need not wait for others. */
  async write(batch: readonly CheckedDelivery[]): Promise<Written[]> {
    const sound = batch.filter(({ problem }) => problem === undefined);
    await this.insert(sound.toSorted(byTenantAndId));
    for (const delivery of batch) {
      const { problem } = delivery;
      if (problem !== undefined) this.outcomes.set(delivery, await this.bury(delivery, problem));
    }
    return batch.map((delivery) => this.outcomes.get(delivery) ?? { kind: 'failed' });
  }

  private async insert(all: readonly CheckedDelivery[]): Promise<void> {
    const deliveries = this.setHeldApart(all);
    if (deliveries.length === 0) return;
    const { store } = this.parts;
    const insert = (): Promise<void> => store.insert(deliveries.map(messageRow));
    const answer = await this.ask(insert, tenantsOf(deliveries));
    switch (answer.kind) {
      case 'done':
        this.settleAll(deliveries, { kind: 'stored' });
        return;
      case 'abandoned':
        this.settleAll(deliveries, answer);
        return;
      case 'locked':
        return this.insertAround(deliveries);
      case 'no partition':
        return this.insertWithout(deliveries);
      case 'refused':
      case 'unknown':
        return this.insertSplit(deliveries, answer);
    }
  }

  /** Where nobody may be held, partitions that are cost no connection, on which to wait for their locks. */
  private ask(
    work: () => Promise<void>,
    tenantIds: string[] = [],
  ): ReturnType<UntilAnswered['askUnlessLocked']> {
    const { store, database } = this.parts;
    if (this.held.size < this.mostHeld) return database.askUnlessLocked(work);
    return database.ask(async () => {
      const [tenantId] = tenantIds.length > 0 ? await store.held(tenantIds) : [];
      if (tenantId !== undefined) throw new PartitionHeld(tenantId);
      await work();
    });
  }

  /** Goes on without those tenants whose partition is held; if that is nobody's own, all wait from now on. */
  private async insertAround(deliveries: readonly CheckedDelivery[]): Promise<void> {
    const held = await this.tenantsIn(deliveries, ({ store }, tenantIds) => store.held(tenantIds));
    const areFew = held.length > 0 && this.held.size + held.length <= this.mostHeld;
    if (areFew) for (const tenantId of held) this.held.add(tenantId);
    else this.mostHeld = 0;
    return this.insert(deliveries);
  }

  private setHeldApart(deliveries: readonly CheckedDelivery[]): readonly CheckedDelivery[] {
    if (this.held.size === 0) return deliveries;
    const isHeld = ({ tenantId }: CheckedDelivery): boolean => this.held.has(tenantId);
    this.settleAll(deliveries.filter(isHeld), HELD);
    return deliveries.filter((delivery) => !isHeld(delivery));
  }

  /** Lets go of removed tenants' messages, and gives living ones their partition back. */
  private async insertWithout(deliveries: readonly CheckedDelivery[]): Promise<void> {
    const missing = await this.tenantsIn(deliveries, ({ partition }, tenantIds) =>
      partition.missing(tenantIds),
    );
    if (missing.length === 0) return this.insertSplit(deliveries, PLACE_UNKNOWN);
    let others = deliveries;
    for (const tenantId of missing) {
      const outcome = await this.withoutPartition(tenantId);
      if (!outcome) continue;
      const isTheirs = (delivery: CheckedDelivery): boolean => delivery.tenantId === tenantId;
      this.settleAll(others.filter(isTheirs), outcome);
      others = others.filter((delivery) => !isTheirs(delivery));
    }
    return this.insert(others);
  }

  /** Those tenants of the deliveries that `look` finds; none when nobody can say. */
  private async tenantsIn(
    deliveries: readonly CheckedDelivery[],
    look: (parts: WriteParts, tenantIds: string[]) => Promise<string[]>,
  ): Promise<string[]> {
    let found: string[] = [];
    await this.parts.database.ask(async () => {
      found = await look(this.parts, tenantsOf(deliveries));
    });
    return found;
  }

  /** @returns what becomes of the tenant's messages; undefined when they can be tried again */
  private async withoutPartition(tenantId: string): Promise<Written | undefined> {
    if (this.restored.has(tenantId)) return { kind: 'failed' };
    const { tenants, partition } = this.parts;
    const found = { living: false };
    const answer = await this.ask(async () => {
      found.living = await tenants.isLiving(tenantId);
      if (found.living) await partition.restore(tenantId);
    });
    if (answer.kind === 'abandoned') return answer;
    if (answer.kind === 'locked') return this.hold(tenantId);
    if (answer.kind !== 'done') return { kind: 'failed' };
    this.restored.add(tenantId);
    return found.living ? undefined : { kind: 'tenant gone' };
  }

  private async insertSplit(
    deliveries: readonly CheckedDelivery[],
    failure: AtFault,
  ): Promise<void> {
    const [only, ...others] = deliveries;
    if (only && others.length === 0) return this.giveUp(only, failure);
    const half = Math.ceil(deliveries.length / 2);
    await this.insert(deliveries.slice(0, half));
    await this.insert(deliveries.slice(half));
  }

  private async giveUp(delivery: CheckedDelivery, { kind, reason }: AtFault): Promise<void> {
    if (kind === 'refused') {
      this.outcomes.set(delivery, await this.bury(delivery, reason));
      return;
    }
    const { id, tenantId } = delivery;
    const text = `Message ${id} of tenant ${tenantId} goes back to its queue: ${reason}`;
    this.parts.failures.tell(tenantId, 'go back to their queue', text);
    this.outcomes.set(delivery, { kind: 'failed' });
  }

  /** Keeps what can never be stored, with the reason. */
  private async bury(delivery: CheckedDelivery, reason: string): Promise<Written> {
    const { deadLetters } = this.parts;
    const { tenantId } = delivery;
    if (this.held.has(tenantId)) return HELD;
    const keep = (): Promise<void> => deadLetters.keep(deadLetterRow(delivery, reason));
    const answer = await this.ask(keep);
    switch (answer.kind) {
      case 'done':
        return { kind: 'dead', reason };
      case 'abandoned':
        return answer;
      case 'locked':
        return this.hold(tenantId);
      case 'no partition':
        return (await this.withoutPartition(tenantId)) ?? this.bury(delivery, reason);
      case 'refused':
      case 'unknown':
        return this.notKept(tenantId, answer);
    }
  }

  private hold(tenantId: string): Written {
    this.held.add(tenantId);
    return HELD;
  }

  private notKept(tenantId: string, { reason }: AtFault): Outcome {
    const text = `A dead letter of tenant ${tenantId} is not kept: ${reason}`;
    this.parts.failures.tell(tenantId, 'are not kept as dead letters', text);
    return { kind: 'failed' };
  }

  private settleAll(deliveries: readonly CheckedDelivery[], outcome: Written): void {
    for (const delivery of deliveries) this.outcomes.set(delivery, outcome);
  }
}

const tenantsOf = (deliveries: readonly CheckedDelivery[]): string[] => [
  ...new Set(deliveries.map(({ tenantId }) => tenantId)),
];

/** The order in which every batch locks its rows: overlapping ones would deadlock otherwise. */
function byTenantAndId(a: CheckedDelivery, b: CheckedDelivery): number {
  return compare(a.tenantId, b.tenantId) || compare(a.id, b.id);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
