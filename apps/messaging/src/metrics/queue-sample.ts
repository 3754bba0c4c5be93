/** What is known of a tenant's queue. Times are milliseconds since 1970. */
export interface QueueSample {
  /** Messages that waited when it was asked last. */
  readonly ready: number;
  readonly firstAskedAt: number;
  /** When it was empty last, as far as anybody asked. */
  readonly emptyAt?: number;
}

/** @param askedAt when the question was put, not when it was answered: what came since is younger */
export function nextSample(
  before: QueueSample | undefined,
  ready: number,
  askedAt: number,
): QueueSample {
  const firstAskedAt = before?.firstAskedAt ?? askedAt;
  if (ready === 0) return { ready, firstAskedAt, emptyAt: askedAt };
  return { ...before, ready, firstAskedAt };
}

/**
 * How long the oldest message of a queue has been waiting, in seconds, at most. AMQP does not tell;
 * but what waits is no older than
 *
 * - the message that was delivered last: a queue delivers in the order in which it was filled;
 * - the last moment at which the queue was seen empty.
 *
 * The younger of the two is the bound: the first is the tight one while the queue is consumed, the
 * second while it is not. Where neither is known, after a start with a backlog of which
 * nothing is delivered, it is the time since the queue was seen first: the one case of too little.
 *
 * @param deliveredAcceptedAt when the message that was delivered last was accepted
 */
export function oldestAgeSeconds(
  { ready, firstAskedAt, emptyAt }: QueueSample,
  deliveredAcceptedAt: number | undefined,
  now: number,
): number {
  if (ready === 0) return 0;
  const bounds = [emptyAt, deliveredAcceptedAt].filter((bound) => bound !== undefined);
  const since = bounds.length > 0 ? Math.max(...bounds) : firstAskedAt;
  return Math.max(0, now - since) / 1000;
}
