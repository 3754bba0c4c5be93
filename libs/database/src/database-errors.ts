import { SERVING_ROLE } from './serving-role';

/** PostgreSQL's SQLSTATEs that this program acts on: https://www.postgresql.org/docs/current/errcodes-appendix.html */
export const sqlState = {
  uniqueViolation: '23505',
  /** Also: no partition takes the row. */
  checkViolation: '23514',
  lockNotAvailable: '55P03',
  deadlockDetected: '40P01',
  queryCanceled: '57014',
  readOnly: '25006',
} as const;

/** Classes and codes after which the same statement may well succeed: the server or the way to it is at fault. */
const UNAVAILABLE = [
  /^08/, // connection exception
  /^53/, // insufficient resources: too many connections, disk full, out of memory
  /^57P0/, // shut down, crashed, starting up, database dropped
  /^57014$/, // cancelled
  /^58/, // system error: I/O
  /^25006$/, // read-only: a standby after a failover
  /^40(001|P01)$/, // serialization failure, deadlock
  /^55P03$/, // lock not available in time
  /^28/, // authorization: a rotated password, a pg_hba.conf under way
  /^3D000$/, // the database is not there (yet)
  // TLS: a certificate that has expired, or that names another host or authority.
  /^(ERR_(TLS|SSL)_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_(CA|PURPOSE)$)/,
  // The operating system's, the way to the server above all: ECONNREFUSED, EAI_AGAIN, EMFILE.
  /^E(?!RR_)[A-Z_]+$/,
];

/** Where PostgreSQL says that nothing can be written until somebody vacuums, by the code of a row too large. */
const OUT_OF_IDS = /^GetNew(TransactionId|MultiXactId)$/;

/** What `pg` and TypeORM say, without a code, when there is no connection to be had. */
const UNAVAILABLE_TEXT =
  /timeout exceeded when trying to connect|Query read timeout|Connection terminated|connection error|not queryable|Cannot use a pool after|Driver not Connected|SSL connection|[Cc]onnection .*(not established|is not set)|No metadata for/;

/** The SQLSTATE or system code of an error of `pg`, wrapped by TypeORM or not. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return 'driverError' in error ? codeOf(error.driverError) : undefined;
}

/** Why it failed, in words. What failed at each address of a host is told by its code alone. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || (codeOf(error) ?? error.name);
}

/** Whether the database, rather than what was asked of it, is the reason that this failed. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (isRoleAway(error) || isOutOfIds(error)) return true;
  const code = codeOf(error);
  if (code !== undefined) return UNAVAILABLE.some((pattern) => pattern.test(code));
  if (error instanceof AggregateError) return error.errors.some(isDatabaseUnavailable);
  return error instanceof Error && UNAVAILABLE_TEXT.test(error.message);
}

/** Whether others were in the way: the wait for a lock was too long, or each waited for the other. */
export function isLockedOut(error: unknown): boolean {
  const code = codeOf(error);
  return code === sqlState.lockNotAvailable || code === sqlState.deadlockDetected;
}

/** Its migration was taken back, or a grant: no session begins, and no message is to blame for that. */
function isRoleAway(error: unknown): boolean {
  return error instanceof Error && error.message.includes(`role "${SERVING_ROLE}"`);
}

function isOutOfIds(error: unknown): boolean {
  return OUT_OF_IDS.test(String(Reflect.get(Object(error) as object, 'routine')));
}

/** That a row's tenant has no partition is a check violation that names no constraint. */
export function isWithoutPartition(error: unknown): boolean {
  const constraint: unknown = Reflect.get(Object(error) as object, 'constraint');
  return codeOf(error) === sqlState.checkViolation && constraint === undefined;
}

/** Whether a session is worth no further try: its server is a standby now, or does not answer. */
export function isSessionStale(error: unknown): boolean {
  if (codeOf(error) === sqlState.readOnly) return true;
  return error instanceof Error && error.message === 'Query read timeout';
}
