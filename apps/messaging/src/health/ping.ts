import { within } from '@app/broker';

/** A probe must answer within a second, whatever hangs. */
const ANSWER_WITHIN_MS = 800;

/**
 * Asks whether something is there. Only one question is under way at a time: probes of a server that
 * hangs would otherwise take a connection each, until none is left.
 */
export class Ping {
  private pending: Promise<void> | undefined;

  constructor(private readonly ask: () => Promise<void>) {}

  /** @returns why it is down, or undefined when it is up */
  async problem(): Promise<string | undefined> {
    this.pending ??= this.ask().finally(() => (this.pending = undefined));
    const late = (): Error => new Error(`no answer within ${ANSWER_WITHIN_MS} ms`);
    return within(ANSWER_WITHIN_MS, this.pending, late).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
  }
}
