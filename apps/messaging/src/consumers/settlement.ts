/** What became of a delivery. */
export type Outcome =
  /** It is in its tenant's partition, now or since before. */
  | { kind: 'stored' }
  /** It can never be stored, and is kept as a dead letter. */
  | { kind: 'dead'; reason: string }
  /** Its tenant was removed, and it with it. */
  | { kind: 'tenant gone' }
  /** Nobody knows why it failed: the queue counts how often. */
  | { kind: 'failed' }
  /** We stop before it could be stored. */
  | { kind: 'abandoned' };

/** The same, before there is an outcome: another session holds its tenant's partition. */
export type Written = Outcome | { kind: 'held' };

/** Whether the message goes back to its queue; it is acked otherwise. */
export const goesBack = ({ kind }: Outcome): boolean => kind === 'failed' || kind === 'abandoned';
