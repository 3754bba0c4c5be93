import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, Api } from './api';
import type { TestDatabase } from './database';

interface Accepted {
  readonly id?: string;
  readonly data?: { id: string }[];
}

/** Callers who send without a break, single messages and batches, and note every id that got 202. */
export class Load {
  private static readonly running = new Set<Load>();
  readonly accepted: string[] = [];
  /** Answers other than 202, and calls that nobody answered. */
  refused = 0;
  private ended = false;
  private readonly callers: Promise<void>[];

  constructor(
    private readonly api: Api,
    private readonly tenantIds: readonly string[],
    callers = 6,
  ) {
    this.callers = Array.from({ length: callers }, (_, index) => this.call(index));
    Load.running.add(this);
  }

  /** For `afterEach`: a test that failed has not come to its own `stop`. */
  static async stopAll(): Promise<void> {
    await Promise.all([...Load.running].map((load) => load.stop()));
  }

  async stop(): Promise<void> {
    this.ended = true;
    Load.running.delete(this);
    await Promise.all(this.callers);
  }

  private async call(index: number): Promise<void> {
    for (let round = 0; !this.ended; round++) {
      const tenantId = this.tenantIds[(index + round) % this.tenantIds.length] as string;
      const ids = await (round % 5 === 0 ? this.batch(tenantId) : this.single(tenantId));
      this.accepted.push(...ids);
      if (ids.length === 0) await this.refusal();
    }
  }

  private single(tenantId: string): Promise<string[]> {
    return this.post(`/api/tenants/${tenantId}/messages`, { payload: 'single' });
  }

  private batch(tenantId: string): Promise<string[]> {
    const messages = Array.from({ length: 10 }, (_, payload) => ({ payload }));
    return this.post(`/api/tenants/${tenantId}/messages/batch`, { messages });
  }

  /** @returns the ids, when the call got 202 */
  private async post(path: string, body: object): Promise<string[]> {
    const answer = await this.api.request<Accepted>('POST', path, body).catch(() => undefined);
    return answer?.status === 202 ? idsOf(answer) : [];
  }

  private async refusal(): Promise<void> {
    this.refused++;
    await delay(10);
  }
}

function idsOf({ body }: Answer<Accepted>): string[] {
  return body.data?.map(({ id }) => id) ?? [body.id as string];
}

/** What became of ids that were accepted: `{ missing: 0, repeated: 0 }` is how it should be. */
export async function account(
  database: TestDatabase,
  ids: readonly string[],
): Promise<{ missing: number; repeated: number }> {
  const [row] = await database.rows<{ stored: number; rows: number }>(
    `SELECT count(DISTINCT id)::int AS stored, count(*)::int AS rows
     FROM messages WHERE id = ANY($1::uuid[])`,
    [ids],
  );
  const { stored = 0, rows = 0 } = row ?? {};
  return { missing: new Set(ids).size - stored, repeated: rows - stored };
}

export const ALL_ONCE = { missing: 0, repeated: 0 };
