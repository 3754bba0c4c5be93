import type { TestBroker } from './broker';
import type { TestDatabase } from './database';

export interface Watched {
  readonly tenantId: string;
  /** How many messages were ever published for the tenant; none is on its way any more. */
  readonly published: number;
  readonly broker: TestBroker;
  readonly database: TestDatabase;
}

/** Watches that a tenant has no more messages under way than its workers, whose number changes. */
export class WorkerLimit {
  /** The most that were ever seen under way. */
  most = 0;

  constructor(
    private readonly watched: Watched,
    private limit: number,
  ) {}

  /** While the number is being changed, the larger of the two holds. */
  async during(workers: number, change: () => Promise<void>): Promise<void> {
    this.limit = Math.max(this.limit, workers);
    await change();
    this.limit = workers;
  }

  /** The limit may change while the figures are taken: they belong to one of the two. */
  async check(): Promise<void> {
    const before = this.limit;
    const underWay = await this.underWay();
    this.most = Math.max(this.most, underWay);
    expect(underWay).toBeLessThanOrEqual(Math.max(before, this.limit));
  }

  /**
   * What is neither waiting nor stored. What is waiting is asked first: a message that is delivered
   * and stored between the two questions then counts too little, and none counts too much.
   */
  private async underWay(): Promise<number> {
    const { tenantId, published, broker, database } = this.watched;
    const queue = await broker.queue(tenantId);
    return published - (queue?.ready ?? 0) - (await database.stored(tenantId));
  }
}
