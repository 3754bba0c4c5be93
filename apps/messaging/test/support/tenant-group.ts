import { randomUUID } from 'node:crypto';
import type { Options } from 'amqplib';
import type { Api } from './api';
import type { TestBroker } from './broker';
import { eventually } from './eventually';

/** A message as a service publishes it over AMQP. */
export interface Publication {
  readonly tenantId: string;
  readonly body: string | Buffer;
  readonly options: Options.Publish & { readonly messageId: string };
}

/** Publishes without waiting in between; resolves when the broker has confirmed all of them. */
export async function publishAll(
  { channel }: TestBroker,
  publications: readonly (Omit<Publication, 'options'> & { readonly options: Options.Publish })[],
): Promise<void> {
  for (const { tenantId, body, options } of publications) {
    const properties = { deliveryMode: 2, ...options };
    channel.publish('messaging.messages', tenantId, Buffer.from(body), properties);
  }
  await channel.waitForConfirms();
}

/** Messages of one tenant that all differ, and say whose they are. */
export function goodOnes(tenantId: string, count: number): Publication[] {
  return Array.from({ length: count }, (_, number) => ({
    tenantId,
    body: JSON.stringify({ of: tenantId, number }),
    options: { messageId: randomUUID() },
  }));
}

/** Some tenants with many workers each, paused: what is published for them waits until they go on. */
export class TenantGroup {
  private constructor(
    private readonly api: Api,
    readonly tenantIds: readonly string[],
  ) {}

  static async paused(
    api: Api,
    broker: TestBroker,
    count: number,
    workers = 200,
  ): Promise<TenantGroup> {
    const tenantIds: string[] = [];
    for (let made = 0; made < count; made++) tenantIds.push(await api.createTenant(workers));
    await Promise.all(tenantIds.map((tenantId) => api.pause(tenantId)));
    for (const tenantId of tenantIds) {
      await eventually(async () => {
        expect(await broker.queue(tenantId)).toEqual({ ready: 0, consumers: 0 });
      });
    }
    return new TenantGroup(api, tenantIds);
  }

  async resume(): Promise<void> {
    await Promise.all(this.tenantIds.map((tenantId) => this.api.resume(tenantId)));
  }

  /** Each tenant in `sent` has exactly its own of it, and each message its own payload. */
  async expectStored(sent: readonly Publication[]): Promise<void> {
    expect(sent.length).toBeGreaterThan(0);
    for (const tenantId of new Set(sent.map((message) => message.tenantId))) {
      const own = sent.filter((message) => message.tenantId === tenantId);
      await eventually(async () => expect(await this.stored(tenantId)).toEqual(expected(own)));
    }
  }

  private async stored(tenantId: string): Promise<Map<string, unknown>> {
    const messages = await this.api.allMessages(tenantId);
    return new Map(messages.map(({ id, payload }) => [id, payload]));
  }
}

const expected = (sent: readonly Publication[]): Map<string, unknown> =>
  new Map(sent.map(({ body, options }) => [options.messageId, JSON.parse(body.toString())]));
