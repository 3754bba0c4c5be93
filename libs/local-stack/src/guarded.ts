import type { ProcessIdentity } from './process-identity';

/** What must not outlive its owner. */
export type Guarded =
  | { kind: 'process'; process: ProcessIdentity; stopSignal: NodeJS.Signals }
  | { kind: 'container'; name: string }
  | { kind: 'path'; path: string };

/** One line of the pipe from the owner to its watchdog. */
export interface WatchdogMessage {
  action: 'guard' | 'release';
  what: Guarded;
}

/** Two that are the same thing have the same key. */
export function keyOf(what: Guarded): string {
  switch (what.kind) {
    case 'process':
      return `process ${what.process.pid}`;
    case 'container':
      return `container ${what.name}`;
    case 'path':
      return `path ${what.path}`;
  }
}
