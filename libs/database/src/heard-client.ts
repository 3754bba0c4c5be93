import { Logger } from '@nestjs/common';
import { Client, type ClientConfig } from 'pg';
import { isSessionStale } from './database-errors';

/**
 * A client that never has an `error` event without a listener, which would end the process. The pool
 * listens while a client is idle, and whoever takes it afterwards; but between the two there is a
 * moment, and a server that goes away says so in the same packet in which it answered the one before.
 *
 * It is not used again either once its session has turned out stale, whoever gives it back to the pool
 * and however: TypeORM's repositories do so as if nothing had been.
 */
export class HeardClient extends Client {
  constructor(config?: string | ClientConfig) {
    super(config);
    const logger = new Logger('Database');
    // Who had a statement under way hears of it as well.
    this.on('error', (error) => logger.debug(`A connection was lost: ${error.message}`));
    const query = this.query.bind(this) as (...question: unknown[]) => unknown;
    this.query = ((...question: unknown[]) => {
      const answer = query(...question);
      if (answer instanceof Promise) answer.catch((error: unknown) => this.leaveWhenStale(error));
      return answer;
    }) as Client['query'];
  }

  private leaveWhenStale(error: unknown): void {
    if (isSessionStale(error)) this.connection.stream.destroy();
  }
}
