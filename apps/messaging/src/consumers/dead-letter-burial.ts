import { Injectable, Logger } from '@nestjs/common';
import { topology } from '@app/broker';
import type { ConsumeMessage } from 'amqplib';
import { aboutTenant } from '../about-tenant';
import { type DeadLetterRow, DeadLetterStore } from '../dead-letters/dead-letter.store';
import { TenantPartition } from '../tenants/tenant-partition';
import { TenantsService } from '../tenants/tenants.service';
import { deadLetterRow, type Delivery, readDelivery } from './delivery';
import { InTurn } from './in-turn';
import type { Outcome } from './settlement';
import { UntilAnswered } from './until-answered';
import { classify } from './write-failure';

/** Keeps what came back too often, or was set aside by its queue, in the table of its tenant. */
@Injectable()
export class DeadLetterBurial {
  private readonly logger = new Logger(DeadLetterBurial.name);
  /** Each may wait on a connection for a lock, and one tenant's must not take those of all others. */
  private readonly turns = new InTurn();

  constructor(
    private readonly store: DeadLetterStore,
    private readonly tenants: TenantsService,
    private readonly partition: TenantPartition,
    private readonly database: UntilAnswered,
  ) {}

  /** Never rejects. */
  async bury(message: ConsumeMessage): Promise<Outcome> {
    const tenantId = tenantOf(message);
    if (tenantId === undefined)
      return this.letGo(
        undefined,
        message.properties.messageId,
        'it came from no queue of a tenant',
      );
    const delivery = readDelivery(tenantId, message, new Date());
    return this.keep(delivery, reasonOf(message));
  }

  /** Keeps one that came back too often, unless it turns out to be stored; never rejects. */
  async keep(delivery: Delivery, reason: string): Promise<Outcome> {
    const row = deadLetterRow(delivery, reason);
    const insist = (): ReturnType<UntilAnswered['insist']> =>
      this.database.insist(() => this.keepSomewhere(row));
    const answer = await this.turns.do(row.tenantId, insist);
    switch (answer.kind) {
      case 'done':
        return { kind: 'dead', reason };
      case 'abandoned':
        return answer;
      case 'no partition':
        return { kind: 'tenant gone' };
      case 'refused':
        return this.letGo(delivery.tenantId, delivery.id, answer.reason);
    }
  }

  /** A living tenant whose partition somebody took away gets it back; another failure is final. */
  private async keepSomewhere(row: DeadLetterRow): Promise<void> {
    try {
      await this.store.keepUnlessStored(row);
    } catch (error) {
      const homeless = classify(error).kind === 'no partition';
      if (!homeless || !(await this.tenants.isLiving(row.tenantId))) throw error;
      await this.partition.restore(row.tenantId);
      await this.keepAtHome(row);
    }
  }

  /** @throws what is waited for when there is still no partition: the tenant lives, and so does its message */
  private async keepAtHome(row: DeadLetterRow): Promise<void> {
    await this.store.keepUnlessStored(row).catch((error: unknown) => {
      if (classify(error).kind !== 'no partition') throw error;
      throw new Error(`tenant ${row.tenantId} has no partition for dead letters`, { cause: error });
    });
  }

  /** What nobody can ever be shown would otherwise come back for ever. It is in the log. */
  private letGo(tenantId: string | undefined, id: unknown, why: string): Outcome {
    const text = `Dead letter ${String(id)} is let go: ${why}`;
    this.logger.error(tenantId === undefined ? text : aboutTenant(tenantId, text));
    return { kind: 'dead', reason: why };
  }
}

interface Death {
  readonly queue?: unknown;
  readonly reason?: unknown;
}

/** The queue in which it died says whose it is; https://www.rabbitmq.com/docs/dlx#effects */
function tenantOf({ properties }: ConsumeMessage): string | undefined {
  const { queue } = deathOf(properties.headers) ?? {};
  return typeof queue === 'string' ? topology.tenantOf(queue) : undefined;
}

/** The latest death stands first. */
function deathOf(headers: Record<string, unknown> | undefined): Death | undefined {
  const deaths: unknown = headers?.['x-death'];
  return Array.isArray(deaths) ? (deaths[0] as Death) : undefined;
}

function reasonOf({ properties }: ConsumeMessage): string {
  const { reason } = deathOf(properties.headers) ?? {};
  if (reason === 'delivery_limit')
    return 'It was delivered as often as its queue allows and never settled: it keeps killing its consumer';
  return `The broker set it aside: ${isReason(reason) ? reason : 'it does not say why'}`;
}

/** A word of the broker's; anything else came from a publisher, and may not even have a text. */
const isReason = (reason: unknown): reason is string =>
  typeof reason === 'string' && /^[a-z_-]{1,50}$/.test(reason);
