import { Logger } from '@nestjs/common';
import { Client, type ClientConfig } from 'pg';

/**
 * A client that never has an `error` event without a listener, which would end the process. The pool
 * listens while a client is idle, and whoever takes it afterwards; but between the two there is a
 * moment, and a server that goes away says so in the same packet in which it answered the one before.
 */
export class HeardClient extends Client {
  constructor(config?: string | ClientConfig) {
    super(config);
    const logger = new Logger('Database');
    // Who had a statement under way hears of it as well.
    this.on('error', (error) => logger.debug(`A connection was lost: ${error.message}`));
  }
}
