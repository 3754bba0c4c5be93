import { Logger } from '@nestjs/common';
import type { Metrics } from '@app/metrics';

/** What was refused before any route, by its reason; and the line of the log, where it has one to itself. */
export interface UnroutedRefusal {
  readonly reason: string;
  readonly line?: object;
}

/** Nobody is answered: a connection beyond the most that are taken. */
export const CONNECTION_DROPPED = 'connection-dropped';

/**
 * Passes on what the problem filter never sees. The server is made before the app, so whoever is to hear
 * of it is bound when the app is set up, which is before it listens.
 */
export class UnroutedRefusals {
  private listener: (refusal: UnroutedRefusal) => void = () => undefined;

  bind(listener: (refusal: UnroutedRefusal) => void): void {
    this.listener = listener;
  }

  tell(refusal: UnroutedRefusal): void {
    this.listener(refusal);
  }
}

/** Counts them beside the filter's; the zero is there from the start, as for those. */
export function countUnrouted(refusals: UnroutedRefusals, { refused }: Metrics): void {
  const logger = new Logger(UnroutedRefusals.name);
  refused.inc({ reason: CONNECTION_DROPPED }, 0);
  refusals.bind(({ reason, line }) => {
    refused.inc({ reason });
    if (line) logger.log({ ...line, msg: 'request refused' });
  });
}
