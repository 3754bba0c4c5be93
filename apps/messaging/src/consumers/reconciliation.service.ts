import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { ConsumingConnection } from '@app/broker';
import { DatabaseStarter } from '@app/database';
import { Shutdown } from '../shutdown';
import { TenantsService, type WantedConsumer } from '../tenants/tenants.service';
import { ConsumerRegistry } from './consumer-registry.service';
import { MessageWriter } from './message-writer';
import { RetrySchedule } from './retry-schedule';

const EVERY_MS = 5_000;

/** Consumers that are started at a time; each is a handful of questions to the broker. */
const AT_A_TIME = 50;

/**
 * Compares what PostgreSQL says should run with what runs: at start, when a tenant changed, on a
 * timer, and after a reconnect. Any of them may be missed or come twice; the next one mends it.
 */
@Injectable()
export class Reconciliation implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Reconciliation.name);
  private readonly retries = new RetrySchedule((tenantId) => this.one(tenantId));
  /** When each tenant was last heard of, in ticks of our own clock. */
  private readonly heardOf = new Map<string, number>();
  private tick = 0;
  private timer: NodeJS.Timeout | undefined;
  private passing: Promise<void> | undefined;
  private again = false;
  private stopped = false;
  private complete = false;

  constructor(
    private readonly tenants: TenantsService,
    private readonly registry: ConsumerRegistry,
    private readonly connection: ConsumingConnection,
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
    this.connection.onConnect(() => this.all());
    void this.database.whenReady().then(() => {
      if (!this.stopped) this.timer = setInterval(() => this.all(), EVERY_MS);
      this.all();
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    this.retries.stop();
    this.writer.stop();
    this.shutdown.onOverdue(() => this.leftover());
    const giveUp = delay(this.shutdown.drainWithinMs, undefined, { ref: false });
    const { unsettled } = await this.registry.drain(giveUp);
    if (unsettled > 0) this.logger.warn(`${unsettled} messages go back to their queues`);
  }

  /** Looks at every tenant, soon; never rejects. */
  all(): void {
    if (this.stopped || this.database.state !== 'ready') return;
    this.again = true;
    this.passing ??= this.passWhileAsked().finally(() => (this.passing = undefined));
  }

  /** Looks at one tenant, which changed; never rejects. */
  one(tenantId: string): void {
    if (this.stopped) return;
    this.heardOf.set(tenantId, ++this.tick);
    this.registry
      .converge(tenantId, () => this.readOne(tenantId))
      .catch((error: unknown) => {
        this.logger.warn(`Tenant ${tenantId} is not as it should be yet: ${String(error)}`);
      });
  }

  private async passWhileAsked(): Promise<void> {
    while (this.again && !this.stopped) {
      this.again = false;
      await this.pass().catch((error: unknown) => {
        this.logger.warn(`The consumers are not compared yet, trying again: ${String(error)}`);
      });
    }
  }

  private async pass(): Promise<void> {
    // Without the broker nothing can be started; its return asks for another pass.
    if (!this.connection.isUp()) return;
    const asOf = ++this.tick;
    const wanted = new Map(
      (await this.tenants.wanted()).map((tenant) => [tenant.tenantId, tenant]),
    );
    const different = this.differing(wanted);
    await inParallel(AT_A_TIME, different, (tenantId) => this.mend(tenantId, wanted, asOf));
    this.forgetBefore(asOf);
    this.complete ||= this.connection.isUp();
  }

  private differing(wanted: ReadonlyMap<string, WantedConsumer>): string[] {
    const missing = [...wanted.values()]
      .filter(({ tenantId, workers }) => !this.registry.runs(tenantId, workers))
      .map(({ tenantId }) => tenantId);
    const surplus = this.registry.running().filter(({ tenantId }) => !wanted.has(tenantId));
    return [...missing, ...surplus.map(({ tenantId }) => tenantId)];
  }

  /** A tenant that was heard of since the list was read is read again: the list is old news. */
  private async mend(
    tenantId: string,
    wanted: ReadonlyMap<string, WantedConsumer>,
    asOf: number,
  ): Promise<void> {
    if (this.stopped) return;
    const read = (): Promise<WantedConsumer | undefined> =>
      (this.heardOf.get(tenantId) ?? 0) > asOf
        ? this.readOne(tenantId)
        : Promise.resolve(wanted.get(tenantId));
    // Why it did not start was logged, and when to try again is set, where it broke.
    const mended = this.registry.converge(tenantId, read).catch(() => undefined);
    // One that waits for what it has taken to be stored holds up nobody else.
    await Promise.race([mended, delay(EVERY_MS, undefined, { ref: false })]);
  }

  private async readOne(tenantId: string): Promise<WantedConsumer | undefined> {
    if (this.stopped) return undefined;
    const [wanted] = await this.tenants.wanted(tenantId);
    return wanted;
  }

  private onBroken(tenantId: string): void {
    if (!this.stopped && this.connection.isUp()) this.retries.schedule(tenantId);
  }

  private forgetBefore(asOf: number): void {
    for (const [tenantId, tick] of this.heardOf) if (tick < asOf) this.heardOf.delete(tenantId);
    for (const { tenantId, state } of this.registry.running()) {
      if (state === 'running') this.retries.forget(tenantId);
    }
  }

  private leftover(): string | undefined {
    const consumers = this.registry.running().length;
    return consumers > 0 ? `${consumers} consumers with what they had taken` : undefined;
  }
}

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
