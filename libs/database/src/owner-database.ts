import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Environment } from '@app/config';
import { Pool, type PoolClient } from 'pg';
import { onOneConnection } from './connections';
import { ownerPool } from './data-source-options';

/**
 * The way to PostgreSQL for DDL, which is the owner's: row-level security does not hold here, so that
 * nothing is to be read this way that a tenant wrote. A few connections, opened when there is work.
 */
@Injectable()
export class OwnerDatabase implements OnApplicationShutdown {
  private readonly logger = new Logger(OwnerDatabase.name);
  private readonly pool: Pool;

  constructor({ DATABASE_URL }: Environment) {
    this.pool = new Pool(ownerPool(DATABASE_URL));
    this.pool.on('error', (error) =>
      this.logger.warn(`An idle connection ended: ${error.message}`),
    );
  }

  /** Whoever is at work still is not waited for: what is interrupted is finished by a later sweep. */
  onApplicationShutdown(): void {
    this.pool.end().catch((error: unknown) => this.logger.warn(String(error)));
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
