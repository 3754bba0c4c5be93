import { setTimeout as delay } from 'node:timers/promises';
import type { ChannelModel, ConfirmChannel } from 'amqplib';
import { connectAmqp } from '../support/amqp';
import { fillQueuesBy } from '../support/backlog';
import { MeasuredProcess } from '../support/process';
import type { Servers } from '../support/servers';
import { storedSince } from '../support/stored';
import { createTenants } from '../support/tenants';
import { areShared, owners, untilConsumed } from './ownership';

/** Calls under way while tenants are created. */
const AT_A_TIME = 8;
const WORKERS = 3;
const BALANCED_WITHIN = 0.1;
const STORED_WITHIN_MS = 60_000;

interface Replica {
  readonly id: string;
  readonly process: MeasuredProcess;
}

/** How a replica came. */
export interface Joined {
  /** From the process's start until all are consumed and balanced, in milliseconds. */
  readonly balancedMs: number;
  /** Tenants that have another owner once all is at rest, and what the newcomer has then. */
  readonly moved: number;
  readonly share: number;
}

/** How a replica went. */
export interface Left {
  /** What it had. */
  readonly tenants: number;
  /** From the signal until all tenants are consumed by the others, in milliseconds. */
  readonly replacedMs: number;
}

/** What became of one message to each tenant. */
export interface Sent {
  readonly stored: number;
  /** From the first one's publishing to the last one's storing, in milliseconds. */
  readonly storedMs: number;
}

/** Replicas of the service, each a process; the first one came before the tenants. */
export class Cluster {
  private readonly replicas: Replica[] = [];
  private readonly tenantIds: string[] = [];

  private constructor(
    private readonly servers: Servers,
    private readonly amqp: ChannelModel,
    private readonly publishing: ConfirmChannel,
  ) {}

  static async begin(servers: Servers, tenants: number): Promise<Cluster> {
    const amqp = await connectAmqp(servers.rabbitmqUrl);
    const cluster = new Cluster(servers, amqp, await amqp.createConfirmChannel());
    await cluster.begin(tenants);
    return cluster;
  }

  async end(): Promise<void> {
    await Promise.all(this.replicas.map(({ process }) => process.stop()));
    await this.amqp.close();
  }

  async join(): Promise<Joined> {
    const before = await owners(this.servers.client);
    const start = performance.now();
    const process = await MeasuredProcess.service(this.servers);
    const replicas = this.replicas.length + 1;
    await this.untilShared(replicas, BALANCED_WITHIN);
    const balancedMs = performance.now() - start;
    const share = await this.settle(process);
    const after = await owners(this.servers.client);
    const moved = this.tenantIds.filter((id) => after.get(id) !== before.get(id)).length;
    return { balancedMs, moved, share };
  }

  /** The latest one is told to stop. */
  stopOne(): Promise<Left> {
    return this.leave((process) => process.stop());
  }

  /** The latest one dies. */
  killOne(): Promise<Left> {
    return this.leave((process) => process.kill());
  }

  /** One of these, while one message is sent to each tenant. */
  async meanwhileSending(leave: () => Promise<Left>): Promise<Left & Sent> {
    const since = new Date();
    const [left] = await Promise.all([leave(), this.oneToEach()]);
    return { ...left, ...(await this.untilStored(since)) };
  }

  private async begin(tenants: number): Promise<void> {
    const process = await MeasuredProcess.service(this.servers);
    this.tenantIds.push(...(await createTenants(process, tenants, WORKERS, AT_A_TIME)));
    await this.untilShared(1, 0);
    await this.settle(process);
    const since = new Date();
    // A connection's first message to a queue costs the broker more than the next ones.
    await this.oneToEach();
    await this.untilStored(since);
  }

  /** Takes a process for a replica once nothing moves any more; @returns what it has then. */
  private async settle(process: MeasuredProcess): Promise<number> {
    const consumed = await this.untilShared(this.replicas.length + 1, 0);
    const known = new Set(this.replicas.map(({ id }) => id));
    const [[id, share] = ['', 0]] = [...consumed].filter(([id]) => !known.has(id));
    this.replicas.push({ id, process });
    return share;
  }

  private async leave(end: (process: MeasuredProcess) => Promise<void> | void): Promise<Left> {
    const leaver = this.replicas.pop();
    if (!leaver) throw new Error('No replica is left to go');
    const tenants = (await this.untilShared(this.replicas.length + 1, 0)).get(leaver.id) ?? 0;
    const start = performance.now();
    const ended = end(leaver.process);
    await untilConsumed(this.servers.client, (consumed) => this.isTakenOver(consumed, leaver.id));
    const replacedMs = performance.now() - start;
    await ended;
    return { tenants, replacedMs };
  }

  private isTakenOver(consumed: ReadonlyMap<string, number>, leaver: string): boolean {
    const others = [...consumed].filter(([id]) => id !== leaver);
    return others.reduce((sum, [, count]) => sum + count, 0) === this.tenantIds.length;
  }

  private untilShared(replicas: number, apart: number): Promise<ReadonlyMap<string, number>> {
    const tenants = this.tenantIds.length;
    return untilConsumed(this.servers.client, (now) =>
      areShared(now, { tenants, replicas, apart }),
    );
  }

  private oneToEach(): Promise<void> {
    return fillQueuesBy(this.publishing, this.tenantIds, this.tenantIds.length);
  }

  /** What is missing at the end of the time is missing in the figure. */
  private async untilStored(since: Date): Promise<Sent> {
    const deadline = performance.now() + STORED_WITHIN_MS;
    for (;;) {
      const { count, last } = await storedSince(this.servers, this.tenantIds, since);
      if (count >= this.tenantIds.length || performance.now() > deadline) {
        return { stored: count, storedMs: last - since.getTime() };
      }
      await delay(100);
    }
  }
}
