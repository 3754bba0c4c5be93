import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Environment } from '@app/config';
import { uuidIn } from '@app/paging';
import { atMost, reconnectAfterSeconds, topology, within } from '@app/broker';
import { ClientRMQ } from '@nestjs/microservices';
import type { ChannelWrapper } from 'amqp-connection-manager';
import { lastValueFrom } from 'rxjs';

/** The patterns of the events on the control exchange, and what they carry. */
export const TENANT_CHANGED = 'tenant.changed';
interface TenantChanged {
  readonly tenant_id: string;
}
/** The tenant of such an event, in lower case; undefined for what no replica would send. */
export function changedTenant(event: unknown): string | undefined {
  const { tenant_id: tenantId } = (event ?? {}) as Partial<TenantChanged>;
  return uuidIn(tenantId);
}
export const TENANTS_RELEASED = 'tenants.released';
export const REPLICA_REPLACED = 'replica.replaced';
export interface ReplicaReplaced {
  readonly replica_id: string;
}

const ANNOUNCE_WITHIN_MS = 1_000;

/**
 * Nest's client leaves its channel without an `error` listener; a setup that fails when the
 * connection is cut would end the process.
 */
class ControlClient extends ClientRMQ {
  override createChannel(): Promise<void> {
    const created = super.createChannel();
    (this.channel as ChannelWrapper | null)?.on('error', (error: Error) => {
      new Logger(ControlClient.name).warn(error.message);
    });
    return created;
  }
}

/** Tells every replica that a tenant is not what it was. What it is now, they read for themselves. */
@Injectable()
export class TenantChanges implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(TenantChanges.name);
  private readonly client: ClientRMQ;

  constructor(environment: Environment) {
    const { exchange, type } = topology.control;
    this.client = new ControlClient({
      urls: environment.RABBITMQ_URL,
      exchange,
      exchangeType: type,
      persistent: false,
      noAck: true,
      socketOptions: {
        reconnectTimeInSeconds: reconnectAfterSeconds(),
        heartbeatIntervalInSeconds: 5,
      },
    });
  }

  /**
   * Resolves when the event is out, or after a second at most; never rejects. An event that is lost
   * costs a second: every replica also looks on a timer, and after a reconnect.
   */
  announce(tenantId: string): Promise<void> {
    const event: TenantChanged = { tenant_id: tenantId };
    return this.emit(TENANT_CHANGED, event);
  }

  /** Tells every replica that there are tenants without an owner. The same holds as for a change. */
  announceReleased(): Promise<void> {
    return this.emit(TENANTS_RELEASED, {});
  }

  /** Tells a replica that is not heard of any more, but may hear, that its tenants are others' now. */
  announceReplaced(replicaId: string): Promise<void> {
    const event: ReplicaReplaced = { replica_id: replicaId };
    return this.emit(REPLICA_REPLACED, event);
  }

  private async emit(pattern: string, event: object): Promise<void> {
    const sent = lastValueFrom(this.client.emit(pattern, event), { defaultValue: null });
    try {
      await within(ANNOUNCE_WITHIN_MS, sent, () => new Error('the broker did not take it in time'));
    } catch (error) {
      const msg = `Not announced: ${pattern} ${JSON.stringify(event)}: ${String(error)}`;
      this.logger.warn({ ...event, msg });
    }
  }

  /** In the background: nobody waits for a broker that is away. */
  onApplicationBootstrap(): void {
    this.client.connect().catch(() => undefined);
  }

  /** After HTTP: a request that is still answered may have something to announce. */
  async onApplicationShutdown(): Promise<void> {
    const closed = Promise.resolve(this.client.close() as unknown);
    await atMost(ANNOUNCE_WITHIN_MS, closed);
  }
}
