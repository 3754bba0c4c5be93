import { Logger } from '@nestjs/common';
import { Pool, type PoolClient, type PoolConfig } from 'pg';

const logger = new Logger('Database');

/** A client that is checked out reports a lost connection by an event as well as to its caller. */
function onClientError(error: Error): void {
  logger.warn(`A connection to the database was lost: ${error.message}`);
}

/** Connections of their own, beside TypeORM's; opened when there is work. */
export function openPool(config: PoolConfig): Pool {
  const pool = new Pool(config);
  pool.on('error', (error) => logger.warn(`An idle connection ended: ${error.message}`));
  return pool;
}

/** Whoever is at work still is not waited for. */
export function closePool(pool: Pool): void {
  pool.end().catch((error: unknown) => logger.warn(String(error)));
}

/**
 * Does `work` on one connection, outside of any transaction. After an error the connection is
 * closed: that ends what it had open, a transaction and advisory locks included.
 */
export async function onOneConnection<Result>(
  pool: Pool,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  let failure: Error | undefined;
  client.on('error', onClientError);
  try {
    return await work(client);
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    client.off('error', onClientError);
    client.release(failure);
  }
}

/**
 * What ails one session ails those that were opened with it: after a failover they stay with the
 * server that is read-only now. Found out one by one, each would cost a try and its pause.
 */
export function closeIdle(pool: Pool): void {
  for (let idle = pool.idleCount; idle > 0; idle--) {
    pool.connect().then(
      (client) => client.release(true),
      () => undefined,
    );
  }
}
