import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Environment } from '@app/config';
import type { Pool } from 'pg';
import { closePool, openPool } from './connections';
import { reservedPool } from './data-source-options';
import { NamedStatements } from './named-statements';

/**
 * Named statements on connections of their own, for what must get through whatever else waits: a replica
 * that is not heard of for a moment loses all its tenants, and callers who keep every connection of
 * {@link Database} busy are no reason for that.
 */
@Injectable()
export class ReservedDatabase extends NamedStatements implements OnApplicationShutdown {
  private readonly connections: Pool;

  constructor({ DATABASE_URL }: Environment) {
    super();
    this.connections = openPool(reservedPool(DATABASE_URL));
  }

  onApplicationShutdown(): void {
    closePool(this.connections);
  }

  protected pool(): Pool {
    return this.connections;
  }
}
