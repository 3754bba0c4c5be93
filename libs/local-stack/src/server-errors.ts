import type { ExitStatus } from './exit-status';

/** A program could not be started at all. */
export class CouldNotStart extends Error {
  override readonly name = 'CouldNotStart';
  constructor(
    readonly server: string,
    readonly command: string,
    cause: unknown,
  ) {
    super(`${server} could not be started: ${command}: ${String(cause)}`, { cause });
  }
}

/** A server ended although nobody asked it to. */
export class ServerDied extends Error {
  override readonly name = 'ServerDied';
  constructor(
    readonly server: string,
    readonly exit: ExitStatus,
    readonly logTail: string,
  ) {
    const how = exit.signal ?? `exit code ${String(exit.code)}`;
    const log = logTail === '' ? '' : ` The end of its log:\n${logTail}`;
    super(`${server} ended by itself (${how}).${log}`);
  }
}

/** A server runs, and does not answer. */
export class ServerNotReady extends Error {
  override readonly name = 'ServerNotReady';
  constructor(
    readonly server: string,
    readonly afterMs: number,
    readonly logTail: string,
  ) {
    super(`${server} did not answer within ${afterMs / 1_000} s. The end of its log:\n${logTail}`);
  }
}

/** The stop came while a server was about to be started. */
export class StoppedMeanwhile extends Error {
  override readonly name = 'StoppedMeanwhile';
  constructor(readonly server: string) {
    super(`${server} was not started: everything is being stopped.`);
  }
}
