import type { Answer, ProblemBody } from './api';
import type { TestBroker } from './broker';
import type { TestDatabase } from './database';
import { eventually } from './eventually';
import type { Exit, Program } from './program';
import { StoringLock } from './storing-lock';

interface Taken {
  readonly tenantId: string;
  readonly ids: string[];
  /** Storing goes on once it is released. */
  readonly lock: StoringLock;
}

interface Changing {
  readonly answer: Promise<Answer<ProblemBody>>;
  /** The answer comes once it is released. */
  readonly lock: StoringLock;
}

/** A tenant's 20 messages, of which three are taken from the queue and wait to be stored. */
export async function takenMessages(
  { api }: Program,
  database: TestDatabase,
  broker: TestBroker,
): Promise<Taken> {
  const tenantId = await api.createTenant(3);
  const lock = await StoringLock.hold(database, tenantId);
  const ids = await api.sendBatch(tenantId, [...Array(20).keys()]);
  await eventually(async () => {
    expect(await lock.waiting()).toBe(1);
    expect(await broker.queue(tenantId)).toEqual({ ready: 17, consumers: 1 });
  });
  return { tenantId, ids, lock };
}

/** A request that was taken and waits for its answer. */
export async function changeUnderWay({ api }: Program, database: TestDatabase): Promise<Changing> {
  const tenantId = await api.createTenant();
  const lock = await StoringLock.holdRow(database, tenantId);
  const answer = api.setWorkers(tenantId, 2);
  // A test that means it to fail looks at it later.
  answer.catch(() => undefined);
  await eventually(async () => expect(await lock.waiting()).toBe(1));
  return { answer, lock };
}

/** Signals, and says how it ended and how long that took. */
export async function endBy(
  program: Program,
  signal: NodeJS.Signals,
): Promise<Exit & { tookMs: number }> {
  const began = performance.now();
  program.signal(signal);
  const exit = await program.exited;
  return { ...exit, tookMs: performance.now() - began };
}
