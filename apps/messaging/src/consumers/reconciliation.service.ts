import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { ConsumerConnections, ConsumingConnection } from '@app/broker';
import { DatabaseStarter } from '@app/database';
import { aboutTenant } from '../about-tenant';
import { Shutdown } from '../shutdown';
import { WhileAsked } from '../while-asked';
import { ConsumerRegistry } from './consumer-registry.service';
import { ConsumerReporter } from './consumer-reporter.service';
import { MessageWriter } from './message-writer';
import { Ownership } from './ownership.service';
import { RetrySchedule } from './retry-schedule';
import type { Lease } from './tenant-leases';

/** A dead replica is noticed, and its tenants taken over, a little later than its last heartbeat counts. */
const BALANCE_EVERY_MS = 1_000;
/** Thousands of tenants are counted each time; hundreds may be created in a second. */
const REST = { atLeastMs: 100, atMostMs: 250 } as const;
/** For what the leases do not tell: a consumer that ended, or that nobody wants. */
const COMPARE_EVERY_MS = 5_000;

/** One whose consumer takes longer to stop or to start holds up the comparing no longer. */
const MEND_WITHIN_MS = 5_000;

/** Consumers that are started at a time; each is a handful of questions to the broker. */
const AT_A_TIME = 50;

/**
 * Compares the leases that this replica holds in PostgreSQL with what runs: at start, when a tenant
 * changed, on a timer, and after a reconnect. Any of them may be missed or come twice; the next one
 * mends it.
 */
@Injectable()
export class Reconciliation implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Reconciliation.name);
  private readonly retries = new RetrySchedule((tenantId) => this.one(tenantId));
  private readonly balancing = new WhileAsked(
    () => this.takeShare(),
    (error) => this.logger.debug(`Not balanced, trying again: ${String(error)}`),
    REST,
  );
  private readonly passing = new WhileAsked(
    () => this.pass(),
    (error) => this.logger.warn(`Consumers are not compared yet, trying again: ${String(error)}`),
    REST,
  );
  /** When each tenant was last heard of, in ticks of our own clock. */
  private readonly heardOf = new Map<string, number>();
  private tick = 0;
  /** The tick in which the latest list was read. */
  private listedAt = 0;
  private readonly mending = new Set<string>();
  private timers: NodeJS.Timeout[] = [];
  private stopped = false;
  private complete = false;

  constructor(
    private readonly ownership: Ownership,
    private readonly registry: ConsumerRegistry,
    private readonly reporter: ConsumerReporter,
    private readonly connection: ConsumingConnection,
    private readonly connections: ConsumerConnections,
    private readonly database: DatabaseStarter,
    private readonly writer: MessageWriter,
    private readonly shutdown: Shutdown,
  ) {}

  /** Whether all consumers were seen to once, with database and broker there. */
  get firstPassDone(): boolean {
    return this.complete;
  }

  onApplicationBootstrap(): void {
    this.registry.onBroken((tenantId) => this.onBroken(tenantId));
    this.connections.onConnect(() => this.all());
    void this.database.whenReady().then(() => {
      if (this.stopped) return;
      this.timers = [
        setInterval(() => this.balance(), BALANCE_EVERY_MS),
        setInterval(() => this.fence(), BALANCE_EVERY_MS),
        setInterval(() => this.all(), COMPARE_EVERY_MS),
      ];
      this.all();
    });
  }

  /** The others take over what is let go, one after the other, as soon as it is settled here. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    this.retries.stop();
    this.shutdown.onOverdue(() => this.leftover());
    await this.ownership.leave();
    // Cancelled first, they would let in who waits behind them, with their messages under way still.
    if (this.ownership.isInDoubt) await this.registry.dropAll();
    const giveUp = delay(this.shutdown.drainWithinMs, undefined, { ref: false });
    const drained = this.registry.drain(giveUp, {
      // No sooner: what goes back would come again at once, and each time be nearer to its delivery limit.
      onCancelled: () => this.writer.stop(),
      onStopped: (tenantId) => this.ownership.letGo(tenantId),
    });
    await this.letGoWhatDoesNotRun();
    const { unsettled } = await drained;
    if (unsettled > 0) this.logger.warn(`${unsettled} messages go back to their queues`);
    for (const timer of this.timers) clearInterval(timer);
    await this.ownership.end();
  }

  /** Looks at every tenant of this replica, soon; never rejects. */
  all(): void {
    if (!this.stopped && this.database.state === 'ready') this.passing.ask();
  }

  /** Looks whether this replica has its fair share, soon; never rejects. While it stops, it has. */
  balance(): void {
    if (this.database.state === 'ready') this.balancing.ask();
  }

  /** Looks at one tenant, which changed; never rejects. */
  one(tenantId: string): void {
    if (this.stopped) return;
    this.heardOf.set(tenantId, ++this.tick);
    this.converge(tenantId, () => this.readOne(tenantId)).catch((error: unknown) => {
      const text = `Tenant ${tenantId} is not as it should be yet: ${String(error)}`;
      this.logger.warn(aboutTenant(tenantId, text));
    });
  }

  /**
   * A replica is told that others consume its tenants. If it is this one, and it cannot read what is
   * still its own: the others wait in line until it is gone.
   */
  replaced(replicaId: unknown): void {
    if (replicaId !== this.ownership.replicaId) return;
    if (!this.ownership.isInDoubt) return this.all();
    const consumers = this.registry.running().length;
    if (consumers === 0) return;
    this.logger.warn(`Not heard of by the others, who took over its ${consumers} tenants`);
    void this.registry.dropAll();
  }

  /** What runs is fenced by the broker, where others wait in line; what has been cancelled is not. */
  private fence(): void {
    if (this.ownership.isInDoubt) this.registry.abandonStopping();
  }

  private async takeShare(): Promise<void> {
    if (this.stopped) return this.beatWhileStopping();
    // The first heartbeat waits for the broker: a replica is new only once.
    if (!this.complete && !this.connection.isUp()) return;
    const { claimed, outdated } = await this.ownership.balance();
    if (claimed.length > AT_A_TIME) this.all();
    else for (const tenantId of claimed) this.one(tenantId);
    this.mendOutdated(outdated.filter((tenantId) => !this.mending.has(tenantId)));
  }

  /** A change of which nobody heard is to be applied within 2 s as well. */
  private mendOutdated(tenantIds: readonly string[]): void {
    if (tenantIds.length > AT_A_TIME) {
      this.all();
      return;
    }
    for (const tenantId of tenantIds) {
      this.heardOf.set(tenantId, ++this.tick);
      void this.mend(tenantId, () => this.readOne(tenantId));
    }
  }

  /** What a balance under way claimed when the stop began is let go with it. */
  private async beatWhileStopping(): Promise<void> {
    await this.ownership.beat();
    if (this.registry.isDraining) await this.letGoWhatDoesNotRun();
  }

  private letGoWhatDoesNotRun(): Promise<void> {
    return this.ownership.letGoAllBut(this.registry.tenantIds());
  }

  private async pass(): Promise<void> {
    if (this.stopped || !(this.complete || this.connection.isUp())) return;
    // From then on the balance has a timer of its own.
    if (!this.complete) await this.ownership.balance();
    await this.ownership.forgetDead();
    const asOf = (this.listedAt = ++this.tick);
    const held = await this.ownership.held();
    this.reporter.compare(held);
    const leases = new Map(held.map((lease) => [lease.tenantId, lease]));
    // Without the broker nothing can be started, and what others are to have is let go all the same.
    const different = this.connection.isUp() ? this.differing(leases) : unwanted(held);
    // A tenant that was heard of since the list was read is read again, and so is one whose turn comes
    // when there is another list: this one is old news.
    const isOld = (tenantId: string): boolean =>
      asOf !== this.listedAt || (this.heardOf.get(tenantId) ?? 0) > asOf;
    await inParallel(AT_A_TIME, different, (tenantId) =>
      this.mend(tenantId, async () =>
        isOld(tenantId) ? this.readOne(tenantId) : leases.get(tenantId),
      ),
    );
    this.forgetBefore(asOf, leases);
    this.reporter.wake();
    this.complete ||= this.connection.isUp();
  }

  private differing(leases: ReadonlyMap<string, Lease>): string[] {
    const wrong = [...leases.values()]
      .filter(({ tenantId, workers, wanted }) => !wanted || !this.registry.runs(tenantId, workers))
      .map(({ tenantId }) => tenantId);
    const surplus = this.registry.running().filter(({ tenantId }) => !leases.has(tenantId));
    return [...wrong, ...surplus.map(({ tenantId }) => tenantId)];
  }

  /** Whoever waits for what it has taken to be stored holds up nobody else, and waits only once. */
  private async mend(tenantId: string, read: () => Promise<Lease | undefined>): Promise<void> {
    if (this.stopped || this.mending.has(tenantId)) return;
    this.mending.add(tenantId);
    // Why it did not start was logged, and when to try again is set, where it broke.
    const mended = this.converge(tenantId, read)
      .catch(() => undefined)
      .finally(() => this.mending.delete(tenantId));
    await Promise.race([mended, delay(MEND_WITHIN_MS, undefined, { ref: false })]);
  }

  private converge(tenantId: string, read: () => Promise<Lease | undefined>): Promise<void> {
    return this.registry.converge(tenantId, read, () => this.ownership.release(tenantId));
  }

  private readOne(tenantId: string): Promise<Lease | undefined> {
    return this.ownership.lease(tenantId);
  }

  private onBroken(tenantId: string): void {
    if (!this.stopped && this.connection.isUp()) this.retries.schedule(tenantId);
  }

  private forgetBefore(asOf: number, leases: ReadonlyMap<string, Lease>): void {
    this.retries.keep((tenantId) => leases.has(tenantId));
    for (const [tenantId, tick] of this.heardOf) if (tick < asOf) this.heardOf.delete(tenantId);
    for (const { tenantId, state } of this.registry.running()) {
      if (state === 'running') this.retries.forget(tenantId);
    }
  }

  private leftover(): string | undefined {
    const { inFlight } = this.registry;
    return inFlight > 0 ? `${inFlight} messages that were taken and are not stored` : undefined;
  }
}

const unwanted = (leases: readonly Lease[]): string[] =>
  leases.filter(({ wanted }) => !wanted).map(({ tenantId }) => tenantId);

async function inParallel<Item>(
  atATime: number,
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const remaining = items.values();
  const worker = async (): Promise<void> => {
    for (const item of remaining) await work(item);
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}
