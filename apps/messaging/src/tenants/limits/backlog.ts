import { Injectable } from '@nestjs/common';
import { atMost, ConsumingConnection, TenantQueues } from '@app/broker';
import { BoundedMap } from './bounded-map';

const MOST_TENANTS = 50_000;

/** How old what is known of a queue may be, and how old at least before it is looked at again. */
const FRESH_MS = 500;
const LOOK_AGAIN_MS = 10;

/** After so much of the room that was left, others may have used the rest. */
const SURE_OF = 1 / 4;

/** A look takes some 3 ms. A broker that hangs is for the publisher to tell of. */
const LOOK_WITHIN_MS = 300;

interface Queue {
  /** Messages that waited when it was looked at; undefined when nobody knows. */
  waiting: number | undefined;
  lookedAt: number;
  /** Let in here since then, or not yet known to be in the queue then. */
  letIn: number;
  /** Of those, what the broker has not answered yet. */
  underWay: number;
  looking: Promise<void> | undefined;
}

/** Room for some messages was found, or not; `waiting` is what is in the queue, or on its way. */
interface Room {
  readonly kind: 'found' | 'full';
  readonly waiting: number;
}

/**
 * How many messages of a tenant wait, near enough to refuse more: looked up by a passive declare
 * when half a second has passed or a quarter of the room is used, and before anything is refused.
 * Between two looks what this process lets in is added, and what is consumed is not taken away.
 * Several replicas may together exceed a limit by what the others let in within 10 ms.
 */
@Injectable()
export class Backlog {
  private readonly queues = new BoundedMap<string, Queue>(MOST_TENANTS);

  constructor(
    private readonly tenantQueues: TenantQueues,
    private readonly connection: ConsumingConnection,
  ) {}

  /** Does `work` with room for `count` messages, or with the news that there is none. */
  async during<Result>(
    tenantId: string,
    most: number,
    count: number,
    work: (room: Room) => Promise<Result>,
  ): Promise<Result> {
    const queue = this.queues.get(tenantId) ?? this.queues.set(tenantId, unknownQueue());
    if (isWorthALook(queue, most, count)) await this.lookTogether(tenantId, queue);
    const waiting = queue.waiting === undefined ? 0 : queue.waiting + queue.letIn;
    if (waiting + count > most) return work({ kind: 'full', waiting });
    // Nobody has had a turn since the sum was made.
    return withReserved(queue, count, () => work({ kind: 'found', waiting }));
  }

  private lookTogether(tenantId: string, queue: Queue): Promise<void> {
    queue.looking ??= this.look(tenantId, queue).finally(() => (queue.looking = undefined));
    return queue.looking;
  }

  private async look(tenantId: string, queue: Queue): Promise<void> {
    const { letIn, underWay } = queue;
    queue.waiting = await this.ask(tenantId);
    queue.letIn += underWay - letIn;
    queue.lookedAt = performance.now();
  }

  private async ask(tenantId: string): Promise<number | undefined> {
    if (!this.connection.isUp()) return undefined;
    const ready = await atMost(LOOK_WITHIN_MS, this.tenantQueues.ready(tenantId));
    return ready ?? undefined;
  }
}

async function withReserved<Result>(
  queue: Queue,
  count: number,
  work: () => Promise<Result>,
): Promise<Result> {
  queue.letIn += count;
  queue.underWay += count;
  try {
    return await work();
  } catch (error) {
    queue.letIn -= count;
    throw error;
  } finally {
    queue.underWay -= count;
  }
}

const unknownQueue = (): Queue => ({
  waiting: undefined,
  lookedAt: -Infinity,
  letIn: 0,
  underWay: 0,
  looking: undefined,
});

function isWorthALook(queue: Queue, most: number, count: number): boolean {
  const { waiting, letIn, underWay } = queue;
  const ageMs = performance.now() - queue.lookedAt;
  if (ageMs > FRESH_MS) return true;
  if (waiting === undefined) return false;
  const seemsFull = waiting + letIn + count > most && letIn > underWay;
  return ageMs > LOOK_AGAIN_MS && (seemsFull || letIn + count > (most - waiting) * SURE_OF);
}
