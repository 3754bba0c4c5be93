import {
  codeOf,
  isDatabaseUnavailable,
  isWithoutPartition,
  reasonOf,
  sqlState,
} from '@app/database';

/** Why a statement that stores messages failed, by what there is to be done. */
export type WriteFailure =
  /** Try the same again, later. */
  | { kind: 'unavailable'; reason: string }
  /** The same; what is in the way is another session, and perhaps in the way of one tenant alone. */
  | { kind: 'locked'; reason: string }
  /** A tenant has no partition. PostgreSQL does not say which to a role that policies hold for. */
  | { kind: 'no partition'; reason: string }
  /** A row is at fault, and always will be. */
  | { kind: 'refused'; reason: string }
  /** Nothing that we know of. */
  | { kind: 'unknown'; reason: string };

/** Data exception, integrity violation, program limit exceeded. */
const REFUSED = /^(22|23|54)/;

/** Syntax or access rule: tables that a migration has not made yet, a grant that is missing. */
const NOT_SET_UP = /^42/;

export function classify(error: unknown): WriteFailure {
  const reason = reasonOf(error);
  const code = codeOf(error) ?? '';
  if (code === sqlState.lockNotAvailable) return { kind: 'locked', reason };
  if (isDatabaseUnavailable(error) || NOT_SET_UP.test(code)) return { kind: 'unavailable', reason };
  if (isWithoutPartition(error)) return { kind: 'no partition', reason };
  if (REFUSED.test(code)) return { kind: 'refused', reason };
  return { kind: 'unknown', reason };
}
