import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Environment } from '@app/config';
import type { Pool, PoolClient } from 'pg';
import { closePool, onOneConnection, openPool } from './connections';
import { ownerPool } from './data-source-options';

/**
 * The way to PostgreSQL for DDL, which is the owner's: row-level security does not hold here, so that
 * nothing is to be read this way that a tenant wrote. A few connections, opened when there is work.
 */
@Injectable()
export class OwnerDatabase implements OnApplicationShutdown {
  private readonly pool: Pool;

  constructor({ DATABASE_URL }: Environment) {
    this.pool = openPool(ownerPool(DATABASE_URL));
  }

  /** What is interrupted is finished by a later sweep. */
  onApplicationShutdown(): void {
    closePool(this.pool);
  }

  /** Does `work` in one transaction; rolled back when it throws. */
  transaction<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    return this.onOneConnection(async (client) => {
      await client.query('BEGIN');
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    });
  }

  /** Does `work` on one connection, outside of any transaction; it is closed after an error. */
  onOneConnection<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    return onOneConnection(this.pool, work);
  }
}
