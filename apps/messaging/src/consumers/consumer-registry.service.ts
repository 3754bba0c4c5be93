import { Injectable, Logger } from '@nestjs/common';
import { ConsumingConnection } from '@app/broker';
import type { ConsumeMessage } from 'amqplib';
import { TenantsService, type WantedConsumer } from '../tenants/tenants.service';
import { readDelivery } from './delivery';
import type { Outcome } from './settlement';
import { TenantConsumer } from './tenant-consumer';
import { WriterLanes } from './writer-lanes';

export interface RunningConsumer {
  readonly tenantId: string;
  readonly state: 'starting' | 'running';
  readonly workers: number;
}

/**
 * The consumers of this process. It makes one tenant at a time what it is told to be, and forgets a
 * consumer that broke; what should run, and when to look again, is for the reconciliation to say.
 */
@Injectable()
export class ConsumerRegistry {
  private readonly logger = new Logger(ConsumerRegistry.name);
  private readonly consumers = new Map<string, TenantConsumer>();
  /** The last step of each tenant's chain: no two work on the same tenant. */
  private readonly steps = new Map<string, Promise<unknown>>();
  private draining = false;
  private changed: () => void = () => undefined;
  private broke: (tenantId: string) => void = () => undefined;

  constructor(
    private readonly connection: ConsumingConnection,
    private readonly tenants: TenantsService,
    private readonly lanes: WriterLanes,
  ) {}

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

  /** Messages that are taken and not yet settled. */
  get inFlight(): number {
    return [...this.consumers.values()].reduce((sum, { unsettled }) => sum + unsettled, 0);
  }

  runs(tenantId: string, workers: number): boolean {
    const consumer = this.consumers.get(tenantId);
    return consumer?.state === 'running' && consumer.workers === workers;
  }

  /**
   * Makes a tenant's consumer what `read` says when its turn has come: a consumer with that many
   * workers, or none.
   *
   * @throws what kept the consumer from starting
   */
  converge(tenantId: string, read: () => Promise<WantedConsumer | undefined>): Promise<void> {
    return this.inTurn(tenantId, async () => {
      const wanted = await read();
      const current = this.consumers.get(tenantId);
      if (current && (current.state !== 'running' || current.workers !== wanted?.workers)) {
        await this.stop(current);
      }
      if (this.draining || !wanted || this.consumers.has(tenantId)) return;
      await this.start(wanted);
    });
  }

  /**
   * Stops all consumers, and starts none any more: each takes nothing more and settles what it has taken, until `giveUp`.
   *
   * @returns how many messages were not settled; the broker puts them back
   */
  async drain(giveUp: Promise<void>): Promise<{ unsettled: number }> {
    this.draining = true;
    const consumers = [...this.consumers.values()];
    const stopped = Promise.all(consumers.map((consumer) => this.stop(consumer)));
    let unsettled = 0;
    const late = giveUp.then(() => {
      unsettled = consumers.reduce((sum, consumer) => sum + consumer.unsettled, 0);
      for (const consumer of consumers) consumer.abandon();
    });
    await Promise.race([stopped, late.then(() => stopped)]);
    return { unsettled };
  }

  private async start(wanted: WantedConsumer): Promise<void> {
    const consumer = new TenantConsumer(wanted, {
      connection: this.connection,
      handle: (tenant, message) => this.handle(tenant, message),
      onBroken: (broken, reason) => this.forget(broken, reason),
    });
    this.consumers.set(wanted.tenantId, consumer);
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

  private async stop(consumer: TenantConsumer): Promise<void> {
    await consumer.stop();
    this.remove(consumer);
  }

  private async handle(tenantId: string, message: ConsumeMessage): Promise<Outcome> {
    try {
      return await this.lanes.store(readDelivery(tenantId, message, new Date()));
    } catch (error) {
      this.logger.error(error instanceof Error ? error : String(error));
      return { kind: 'failed' };
    }
  }

  private forget(consumer: TenantConsumer, reason: string): void {
    this.logger.warn(`The consumer of tenant ${consumer.tenantId} broke: ${reason}`);
    this.remove(consumer);
    this.broke(consumer.tenantId);
  }

  private remove(consumer: TenantConsumer): void {
    if (this.consumers.get(consumer.tenantId) === consumer) {
      this.consumers.delete(consumer.tenantId);
    }
    this.changed();
  }

  private inTurn<Result>(tenantId: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.steps.get(tenantId) ?? Promise.resolve();
    const step = before.then(work, work);
    this.steps.set(tenantId, step);
    const tidy = (): void => {
      if (this.steps.get(tenantId) === step) this.steps.delete(tenantId);
    };
    step.then(tidy, tidy);
    return step;
  }
}

/** The broker's reply code for what is not there: https://www.rabbitmq.com/amqp-0-9-1-reference#constants */
const isQueueMissing = (error: unknown): boolean =>
  error instanceof Error && /404 \(NOT.FOUND\)/.test(error.message);
