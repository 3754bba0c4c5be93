import type { ChannelModel, ConfirmChannel } from 'amqplib';
import { connectAmqp } from '../support/amqp';
import { MeasuredProcess } from '../support/process';
import type { Servers } from '../support/servers';
import { createTenants, inParallel } from '../support/tenants';

/** Calls under way while tenants are created, re-tuned or removed. */
export const AT_A_TIME = 8;

/** The rate of creation is that of as many at the end. */
const LAST = 200;

/** The tenants of the benchmark, and the one process that serves them. */
export class Tenancy {
  readonly tenantIds: string[] = [];

  private constructor(
    readonly servers: Servers,
    public service: MeasuredProcess,
    private readonly amqp: ChannelModel,
    /** Of another service, one that speaks AMQP; it stays, as such a service's would. */
    readonly publishing: ConfirmChannel,
  ) {}

  static async begin(servers: Servers): Promise<Tenancy> {
    const amqp = await connectAmqp(servers.rabbitmqUrl);
    const service = await MeasuredProcess.service(servers);
    return new Tenancy(servers, service, amqp, await amqp.createConfirmChannel());
  }

  async end(): Promise<void> {
    await this.service.stop();
    await this.amqp.close();
  }

  /** Creates tenants until there are `count`; returns how many a second at the end. */
  async growTo(count: number): Promise<number> {
    const missing = count - this.tenantIds.length;
    const last = Math.min(LAST, Math.ceil(missing / 2));
    await this.create(missing - last);
    const start = performance.now();
    await this.create(last);
    return (last * 1_000) / (performance.now() - start);
  }

  private async create(count: number): Promise<void> {
    this.tenantIds.push(...(await createTenants(this.service, count, 1, AT_A_TIME)));
  }

  /** Gives each of `tenantIds` as many workers. */
  async setWorkers(tenantIds: readonly string[], workers: number): Promise<void> {
    await inParallel(AT_A_TIME, tenantIds.length, async (index) => {
      const path = `/api/tenants/${tenantIds[index]}/config/concurrency`;
      await this.service.call('PUT', path, { workers });
    });
  }

  /** Stops the process and starts another one; returns the time until all consume, in milliseconds. */
  async restart(): Promise<number> {
    await this.service.stop();
    const start = performance.now();
    this.service = await MeasuredProcess.service(this.servers);
    return performance.now() - start;
  }
}
