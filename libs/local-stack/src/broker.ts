import type { ExitStatus } from './exit-status';

/** A RabbitMQ of our own: an installed one as a process, or a container. */
export interface Broker {
  /** For `RABBITMQ_URL`; stays the same over a `restart`. */
  readonly url: string;
  /** `http://127.0.0.1:PORT` of the management API; user and password are `guest`. */
  readonly managementUrl: string;
  /** Resolves when the node that runs at present ends, for whatever reason. */
  readonly exited: Promise<ExitStatus>;
  /** The last lines of its log. */
  logTail(): string;
  kill(signal: NodeJS.Signals): void;
  /** It stays alive and answers nothing, as a host that hangs does. */
  freeze(): void;
  resume(): void;
  /** Stops it, unless it was killed already, and starts it on the same ports and data. */
  restart(): Promise<void>;
  /** Idempotent and bounded. */
  stop(): Promise<void>;
}
