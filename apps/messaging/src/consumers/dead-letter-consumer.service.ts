import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { ConsumingConnection, isQueueMissing, topology } from '@app/broker';
import { DatabaseStarter } from '@app/database';
import type { ConsumeMessage } from 'amqplib';
import { AckRound } from './ack-round';
import { DeadLetterBurial } from './dead-letter-burial';
import { atOnce, QueueConsumer } from './queue-consumer';
import { RetrySchedule } from './retry-schedule';

const PREFETCH = 50;
const ONLY = 'dead letters';

/**
 * Consumes the one queue into which RabbitMQ puts, for all tenants, what queues that an earlier release
 * declared set aside by themselves. On each replica, for as long as it runs.
 */
@Injectable()
export class DeadLetterConsumer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(DeadLetterConsumer.name);
  private readonly retries = new RetrySchedule(() => this.ensure());
  private consumer: QueueConsumer | undefined;
  private stopped = false;

  constructor(
    private readonly connection: ConsumingConnection,
    private readonly database: DatabaseStarter,
    private readonly burial: DeadLetterBurial,
  ) {}

  onApplicationBootstrap(): void {
    this.connection.onConnect(() => this.ensure());
    void this.database.whenReady().then(() => this.ensure());
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    this.retries.stop();
    this.consumer?.abandon();
    await this.consumer?.stop();
  }

  private ensure(): void {
    const possible = this.connection.isUp() && this.database.state === 'ready';
    if (this.stopped || this.consumer || !possible) return;
    const consumer = new QueueConsumer({
      connection: this.connection,
      queue: topology.deadLetters.queue,
      prefetch: PREFETCH,
      round: new AckRound(),
      begin: atOnce,
      handle: (message: ConsumeMessage) => this.burial.bury(message),
      onFailed: (err) => this.logger.error({ err, msg: 'A dead letter goes back to its queue' }),
      onBroken: (reason) => void this.onBroken(consumer, reason),
    });
    this.consumer = consumer;
    // Why it does not start is told to `onBroken` as well, who tries again.
    consumer.start().then(
      () => this.retries.forget(ONLY),
      (error: unknown) => this.restore(error),
    );
  }

  /** Somebody has deleted the queue: what is set aside from now on has nowhere to go. */
  private restore(error: unknown): void {
    if (!isQueueMissing(error)) return;
    this.connection.declareDeadLetters().catch((reason: unknown) => {
      this.logger.warn(`The queue of dead letters is still missing: ${String(reason)}`);
    });
  }

  /** The next one waits for what this one has in hand, which would only come a second time. */
  private async onBroken(consumer: QueueConsumer, reason: string): Promise<void> {
    this.logger.warn(`The consumer of dead letters broke: ${reason}`);
    await consumer.stop();
    this.consumer = undefined;
    if (this.connection.isUp()) this.retries.schedule(ONLY);
  }
}
