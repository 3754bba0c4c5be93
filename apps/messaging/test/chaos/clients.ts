import { setTimeout as delay } from 'node:timers/promises';
import type { Program } from '../support/program';

/** Where there is to send to: whatever process a replica is at present. */
export interface Targets {
  readonly replicas: readonly [{ readonly program: Program }, { readonly program: Program }];
}

/**
 * Callers that send and note every 202, whatever goes wrong around them. No payload is sent twice:
 * one that is stored twice, under whatever id, was repeated by somebody else.
 */
export class Clients {
  /** Which tenant's every accepted message is, and the fault that was last before it. */
  readonly accepted = new Map<string, { tenantId: string; after: string }>();
  refused = 0;
  /** What to note beside each message. */
  lastFault = 'none';
  private running = true;
  private readonly senders: Promise<void>[];

  constructor(
    private readonly world: Targets,
    private readonly tenantIds: readonly string[],
    count: number,
  ) {
    this.senders = Array.from({ length: count }, (_, index) => this.send(index));
  }

  async stop(): Promise<void> {
    this.running = false;
    await Promise.all(this.senders);
  }

  private async send(index: number): Promise<void> {
    for (let sent = index; this.running; sent++) {
      const { replicas } = this.world;
      const replica = replicas[(sent + index) % 2] ?? replicas[0];
      const tenantId = this.tenantIds[sent % this.tenantIds.length] ?? '';
      const messages = Array.from({ length: 1 + (sent % 4) }, (_, part) => ({
        payload: { index, sent, part },
      }));
      const ids = await post(`${replica.program.api.url}/api/tenants/${tenantId}/messages/batch`, {
        messages,
      });
      for (const id of ids) this.accepted.set(id, { tenantId, after: this.lastFault });
      if (ids.length > 0) await delay(5);
      else await this.backOff();
    }
  }

  private async backOff(): Promise<void> {
    this.refused++;
    await delay(100);
  }
}

/** @returns the ids that were accepted; none when it was refused, or nobody answered */
async function post(url: string, body: unknown): Promise<string[]> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    const answer = (await response.json()) as { data?: { id: string }[] };
    return response.status === 202 ? (answer.data ?? []).map(({ id }) => id) : [];
  } catch {
    return [];
  }
}
