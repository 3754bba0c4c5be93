import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Environment } from '@app/config';
import { Pool } from 'pg';
import { reservedPool } from './data-source-options';
import { NamedStatements } from './named-statements';

/**
 * Named statements on connections of their own, for what must get through whatever else waits: a replica
 * that is not heard of for a moment loses all its tenants, and callers who keep every connection of
 * {@link Database} busy are no reason for that.
 */
@Injectable()
export class ReservedDatabase extends NamedStatements implements OnApplicationShutdown {
  private readonly logger = new Logger(ReservedDatabase.name);
  private readonly connections: Pool;

  constructor({ DATABASE_URL }: Environment) {
    super();
    this.connections = new Pool(reservedPool(DATABASE_URL));
    this.connections.on('error', (error) =>
      this.logger.warn(`An idle connection ended: ${error.message}`),
    );
  }

  /** Whoever is at work still is not waited for. */
  onApplicationShutdown(): void {
    this.connections.end().catch((error: unknown) => this.logger.warn(String(error)));
  }

  protected pool(): Pool {
    return this.connections;
  }
}
