import { Controller, type INestApplication, Logger } from '@nestjs/common';
import { atMost, declareControlQueue, reconnectAfterSeconds } from '@app/broker';
import type { Environment } from '@app/config';
import { EventPattern, Payload, ServerRMQ } from '@nestjs/microservices';
import type { AmqpConnectionManager, ChannelWrapper } from 'amqp-connection-manager';
import type { Channel, ConsumeMessage } from 'amqplib';
import {
  changedTenant,
  REPLICA_REPLACED,
  type ReplicaReplaced,
  TENANT_CHANGED,
  TENANTS_RELEASED,
} from '../tenants/tenant-changes';
import { Reconciliation } from './reconciliation.service';

const CLOSE_WITHIN_MS = 1_000;
const LOST = 'Control events are not heard until the next try';

/** Hears what other replicas, and this one, announce. */
@Controller()
export class ControlEventsController {
  private readonly logger = new Logger(ControlEventsController.name);

  constructor(private readonly reconciliation: Reconciliation) {}

  /** Whoever may publish to the exchange may have sent anything. */
  @EventPattern(TENANT_CHANGED)
  tenantChanged(@Payload() event: unknown): void {
    const tenantId = changedTenant(event);
    if (tenantId === undefined) {
      this.logger.warn('A control event that names no tenant is ignored');
      return;
    }
    this.reconciliation.one(tenantId);
    this.reconciliation.balance();
  }

  @EventPattern(TENANTS_RELEASED)
  tenantsReleased(): void {
    this.reconciliation.balance();
  }

  @EventPattern(REPLICA_REPLACED)
  replicaReplaced(@Payload() event: unknown): void {
    const { replica_id: replicaId } = (event ?? {}) as Partial<ReplicaReplaced>;
    this.reconciliation.replaced(replicaId);
  }
}

/**
 * Nest's server, with what it lacks for a program that must outlive its broker: listeners for the
 * errors of its channel, awaited set-up, and a `close` that ends.
 */
class ControlServer extends ServerRMQ {
  override async start(callback: () => void): Promise<void> {
    await super.start(callback);
    // Registered after the listener that makes the channel, and called in the same turn.
    (this.server as AmqpConnectionManager | null)?.once('connect', () => {
      (this.channel as ChannelWrapper | null)?.on('error', this.onError);
    });
  }

  override async setupChannel(channel: Channel, callback: () => void): Promise<void> {
    channel.on('error', this.onError);
    const queue = await declareControlQueue(channel);
    await channel.consume(queue, (message) => this.take(message, channel), { noAck: true });
    callback();
  }

  override async close(): Promise<void> {
    const closed = super.close();
    await atMost(CLOSE_WITHIN_MS, closed);
  }

  /** Events have no answers; one that asks would have it put into whichever queue it names. */
  override sendMessage(): void {
    this.logger.warn('A control event that asks for an answer gets none');
  }

  private readonly onError = (error: Error): void => {
    new Logger(ControlServer.name).warn(`${LOST}: ${error.message}`);
  };

  private take(message: ConsumeMessage | null, channel: Channel): void {
    if (!message) return;
    this.handleMessage(message, channel).catch((error: unknown) => {
      new Logger(ControlServer.name).warn(`A control event was not understood: ${String(error)}`);
    });
  }
}

/** Listens from now on; does not wait for the broker, which may be away. */
export function listenForControlEvents(app: INestApplication, environment: Environment): void {
  const strategy = new ControlServer({
    urls: environment.RABBITMQ_URL,
    noAck: true,
    socketOptions: {
      reconnectTimeInSeconds: reconnectAfterSeconds(),
      heartbeatIntervalInSeconds: 5,
    },
  });
  app.connectMicroservice({ strategy });
  app.startAllMicroservices().catch((error: unknown) => {
    new Logger(ControlServer.name).warn(`${LOST}: ${String(error)}`);
  });
}
