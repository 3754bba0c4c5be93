import { eventually } from './eventually';
import type { Program } from './program';

export interface Follower {
  readonly seen: string[];
  /** How many answers brought something. */
  readonly pages: number;
  /** Resolves when a question that was asked after this call has been answered. */
  asksAgain(): Promise<void>;
  stop(): Promise<void>;
}

/** Reads along without a pause, with whatever cursor it was given last. */
export function follow({ api }: Program, tenantId: string): Follower {
  const follower = { seen: [] as string[], pages: 0, asked: 0, stopped: false };
  const run = async (): Promise<void> => {
    let cursor: string | null = null;
    while (!follower.stopped) {
      const query: string = cursor ? `&cursor=${cursor}` : '';
      const { data, next_cursor } = await api.messages(tenantId, `?order=asc&limit=5${query}`);
      follower.seen.push(...data.map(({ payload }) => String(payload)));
      if (data.length > 0) follower.pages++;
      follower.asked++;
      cursor = next_cursor;
    }
  };
  const running = run();
  return Object.assign(follower, {
    asksAgain: async () => {
      const from = follower.asked;
      await eventually(() => expect(follower.asked).toBeGreaterThan(from + 1));
    },
    stop: () => {
      follower.stopped = true;
      return running;
    },
  });
}
