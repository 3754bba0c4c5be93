import type { IncomingHttpHeaders } from 'node:http';
import { uuidv7 } from 'uuidv7';

const SANE = /^[\w.:/+=-]{1,128}$/;

/** The caller's `x-request-id` if it is one that may stand in a log, or one of our own. */
export function requestId({ headers }: { headers: IncomingHttpHeaders }): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && SANE.test(given) ? given : uuidv7();
}
