import { Injectable, Logger } from '@nestjs/common';
import { ConsumerConnections, isQueueMissing } from '@app/broker';
import type { ConsumeMessage } from 'amqplib';
import { aboutTenant } from '../about-tenant';
import { TenantsService } from '../tenants/tenants.service';
import { AckRound } from './ack-round';
import { Courtesy, isSmall } from './courtesy';
import { checkBody, readDelivery } from './delivery';
import { DeliveryLimit } from './delivery-limit';
import type { Claim } from './fair-queue';
import { InTurn } from './in-turn';
import { atOnce, type Begin } from './queue-consumer';
import type { Outcome } from './settlement';
import { Slices } from './slices';
import { StoringFailures } from './storing-failures';
import { TenantConsumer } from './tenant-consumer';
import type { Lease, RunningConsumer, WantedConsumer } from './tenant-leases';
import { WriterLanes } from './writer-lanes';

interface DrainListeners {
  readonly onCancelled: () => void;
  readonly onStopped: (tenantId: string) => Promise<void>;
}

/**
 * The consumers of this process. It makes each tenant what it is told to be, one after the other, and forgets a
 * consumer that broke; what should run, and when to look again, is for the reconciliation to say.
 */
@Injectable()
export class ConsumerRegistry {
  private readonly logger = new Logger(ConsumerRegistry.name);
  private readonly consumers = new Map<string, TenantConsumer>();
  /** No two work on the same tenant. */
  private readonly turns = new InTurn();
  /** What large tenants' queues deliver: more comes in one turn of the loop than others should wait for. */
  private readonly slices: Slices;
  private readonly round = new AckRound();
  private draining = false;
  private changed: () => void = () => undefined;
  private broke: (tenantId: string) => void = () => undefined;

  constructor(
    private readonly connections: ConsumerConnections,
    private readonly tenants: TenantsService,
    private readonly lanes: WriterLanes,
    private readonly courtesy: Courtesy,
    private readonly limit: DeliveryLimit,
    private readonly failures: StoringFailures,
  ) {
    this.slices = new Slices(courtesy);
  }

  onChange(listener: () => void): void {
    this.changed = listener;
  }

  onBroken(listener: (tenantId: string) => void): void {
    this.broke = listener;
  }

  /** What runs, and what is about to. */
  running(): RunningConsumer[] {
    return [...this.consumers.values()].flatMap(({ tenantId, state, workers }) =>
      state === 'running' || state === 'starting' ? [{ tenantId, state, workers }] : [],
    );
  }

  /** Whose consumers are here still, in whatever state. */
  tenantIds(): string[] {
    return [...this.consumers.keys()];
  }

  /** Whether it starts no consumer any more. */
  get isDraining(): boolean {
    return this.draining;
  }

  /** Messages that are taken and not yet settled. */
  get inFlight(): number {
    return [...this.consumers.values()].reduce((sum, { unsettled }) => sum + unsettled, 0);
  }

  runs(tenantId: string, workers: number): boolean {
    const consumer = this.consumers.get(tenantId);
    return consumer?.state === 'running' && consumer.workers === workers;
  }

  /**
   * Makes a tenant's consumer what its lease says when its turn has come: a consumer with that many
   * workers, or none. Without a lease somebody else consumes the tenant: what runs is dropped. A lease
   * that is not wanted is released once nothing runs, still in its turn: what came after would
   * otherwise find the lease that is about to go, and start a consumer for it.
   *
   * @throws what kept the consumer from starting, or the lease from being read or released
   */
  converge(
    tenantId: string,
    read: () => Promise<Lease | undefined>,
    release: () => Promise<void>,
  ): Promise<void> {
    return this.turns.do(tenantId, async () => {
      const lease = await read();
      await this.stopUnless(this.consumers.get(tenantId), lease);
      if (!lease) return;
      if (!lease.wanted) return release();
      if (!this.draining && !this.consumers.has(tenantId)) await this.start(lease);
    });
  }

  /**
   * Stops all consumers, and starts none any more: each takes nothing more and settles what it has
   * taken, until `giveUp`. Tells when all are cancelled, so that nothing that goes back comes again, and
   * of each that has stopped.
   *
   * @returns how many messages were not settled; the broker puts them back
   */
  async drain(
    giveUp: Promise<void>,
    { onCancelled, onStopped }: DrainListeners,
  ): Promise<{ unsettled: number }> {
    this.draining = true;
    const consumers = [...this.consumers.values()];
    void Promise.all(consumers.map((consumer) => consumer.cancel())).then(onCancelled);
    const stopped = Promise.all(
      consumers.map(async (consumer) => {
        await this.stop(consumer);
        await onStopped(consumer.tenantId);
      }),
    );
    let unsettled = 0;
    const late = giveUp.then(() => {
      unsettled = consumers.reduce((sum, consumer) => sum + consumer.unsettled, 0);
      for (const consumer of consumers) consumer.abandon();
    });
    await Promise.race([stopped, late.then(() => stopped)]);
    return { unsettled };
  }

  /** Ends all consumers at once, see `drop` of a consumer: somebody else may be next in line. */
  async dropAll(): Promise<void> {
    await Promise.all([...this.consumers.values()].map((consumer) => this.drop(consumer)));
  }

  /**
   * Ends the waiting of consumers that are stopping for what they have under way. They are cancelled
   * already, so that the broker would let whoever takes over consume beside them.
   */
  abandonStopping(): void {
    for (const consumer of this.consumers.values()) {
      if (consumer.state === 'stopped') consumer.abandon();
    }
  }

  private async start(wanted: WantedConsumer): Promise<void> {
    const place = await this.connections.place();
    // The drain has seen to all that were there, and would not learn of this one.
    if (this.draining) {
      place.leave();
      return;
    }
    const consumer = new TenantConsumer(wanted, {
      place,
      round: this.round,
      begin: this.beginOf(wanted),
      handle: (message) => this.handle(wanted, message),
      onFailed: (error) => this.tellFailed(wanted.tenantId, error),
      onBroken: (broken, reason) => this.forget(broken, reason),
    });
    this.consumers.set(wanted.tenantId, consumer);
    this.courtesy.joined(wanted.workers);
    this.changed();
    try {
      await consumer.start();
    } catch (error) {
      // It is tried again, and finds the queue then.
      if (isQueueMissing(error)) await this.tenants.restoreQueue(wanted.tenantId);
      throw error;
    }
    this.changed();
  }

  private async stopUnless(
    consumer: TenantConsumer | undefined,
    lease: Lease | undefined,
  ): Promise<void> {
    if (!consumer) return;
    if (!lease) return this.dropLost(consumer);
    const isRight = lease.wanted && consumer.workers === lease.workers;
    if (!isRight || consumer.state !== 'running') await this.stop(consumer);
  }

  private async stop(consumer: TenantConsumer): Promise<void> {
    await consumer.stop();
    this.remove(consumer);
  }

  private dropLost(consumer: TenantConsumer): Promise<void> {
    const { tenantId } = consumer;
    this.logger.warn(aboutTenant(tenantId, `Tenant ${tenantId} is another replica's now`));
    return this.drop(consumer);
  }

  private async drop(consumer: TenantConsumer): Promise<void> {
    await consumer.drop();
    this.remove(consumer);
  }

  private beginOf({ tenantId, workers }: WantedConsumer): Begin {
    if (isSmall(workers)) return atOnce;
    const claim: Claim = { key: tenantId, weight: workers, bytes: 0 };
    return (handling) => this.slices.add(handling, claim);
  }

  private handle({ tenantId, workers }: WantedConsumer, message: ConsumeMessage): Promise<Outcome> {
    const delivery = readDelivery(tenantId, message, new Date());
    return this.limit.guard(delivery, message, () =>
      this.lanes.store(checkBody(delivery), workers),
    );
  }

  private tellFailed(tenantId: string, error: unknown): void {
    const text = `A message of tenant ${tenantId} goes back to its queue`;
    this.failures.tell(tenantId, 'go back to their queue', text, error);
  }

  /**
   * What it has in hand is being stored still, and delivered again to whoever comes next. During an
   * outage that is longer than the broker's `consumer_timeout`, each next one would take the same,
   * break again, and bring the messages nearer to their delivery limit: so the next one waits.
   */
  private forget(consumer: TenantConsumer, reason: string): void {
    const { tenantId } = consumer;
    const line = aboutTenant(tenantId, `The consumer of tenant ${tenantId} broke: ${reason}`);
    // Thousands break with their connection, whose loss was logged.
    if (consumer.place.connection.isUp()) this.logger.warn(line);
    else this.logger.debug(line);
    this.changed();
    void this.stop(consumer);
    this.broke(tenantId);
  }

  private remove(consumer: TenantConsumer): void {
    if (this.consumers.get(consumer.tenantId) !== consumer) return;
    this.consumers.delete(consumer.tenantId);
    this.courtesy.left(consumer.workers);
    consumer.place.leave();
    this.changed();
  }
}
