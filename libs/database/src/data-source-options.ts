import { type PoolConfig, types } from 'pg';
import type { DataSourceOptions } from 'typeorm';
import { boundedWaiting } from './bounded-waiting';
import { HeardClient } from './heard-client';
import { migrations } from './migrations';
import { SERVING_ROLE } from './serving-role';

type PostgresOptions = Extract<DataSourceOptions, { type: 'postgres' }>;

/** How long a caller waits for a free connection before it hears that the database is away. */
const CONNECT_TIMEOUT_MS = 2_000;

/** A server that is gone without a word is noticed by who waits for no answer in particular: a migration. */
const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 } as const;

/**
 * How long a statement may take before its connection is given up: a server that was frozen or cut
 * off silently never answers, and whoever asked by HTTP is to hear so while they still listen.
 */
const QUERY_TIMEOUT_MS = 4_000;

/**
 * The same for what nobody waits for, and what may take longer for good reasons: a large batch, or
 * DDL that waits for locks.
 */
export const UNHURRIED_MS = 10_000;

/**
 * Settings of every session, with their reasons.
 *
 * - `plan_cache_mode`: from its sixth run on, a named SELECT would otherwise be planned for all
 *   partitions at once, which takes seconds at 5,000 of them.
 * - `client_connection_check_interval`: the statement of a process that was killed would otherwise
 *   wait on for its lock, and store a message long after others have decided about it.
 * - `idle_in_transaction_session_timeout`: an open write transaction holds back every reader that
 *   follows along, since the horizon of its snapshot stands still.
 */
const SESSION = [
  '-c plan_cache_mode=force_custom_plan',
  '-c client_connection_check_interval=1s',
  '-c idle_in_transaction_session_timeout=30s',
  '-c timezone=UTC',
  '-c datestyle=ISO',
].join(' ');

type Oid = Parameters<typeof types.getTypeParser>[0];
const JSONB: Oid = types.builtins.JSONB;

/** JSON stays the text that it is: `pg` would parse it, and round its long numbers. */
function getTypeParser(oid: Oid, format: 'text' | 'binary' = 'text'): unknown {
  if (oid === JSONB) return (text: string) => text;
  return types.getTypeParser(oid, format);
}

/** What migrations, and TypeORM's CLI, connect with: statements may take as long as they need. */
export function migrationOptions(url: string): PostgresOptions {
  return {
    type: 'postgres',
    url,
    applicationName: 'messaging-migrations',
    // TypeORM knows nothing of partitions: the schema is made by migrations in SQL alone.
    synchronize: false,
    migrations: migrations.map(boundedWaiting),
    migrationsTableName: 'migrations',
    migrationsTransactionMode: 'each',
    extra: { Client: HeardClient, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, ...KEEP_ALIVE },
  };
}

const APPLICATION_NAME = 'messaging';

const CLIENT = {
  Client: HeardClient,
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  query_timeout: QUERY_TIMEOUT_MS,
  ...KEEP_ALIVE,
} as const;

const SERVING = {
  options: `${SESSION} -c role=${SERVING_ROLE}`,
  types: { getTypeParser },
} as const;

/** What the program serves with; `poolSize` connections per process, none of which owns anything. */
export function servingOptions(url: string, poolSize: number): PostgresOptions {
  return {
    ...migrationOptions(url),
    applicationName: APPLICATION_NAME,
    extra: { ...CLIENT, ...SERVING, max: poolSize },
  };
}

/** For the heartbeat and the leases, and a second statement while one of them waits. */
const RESERVED_POOL_SIZE = 2;

export function reservedPool(url: string): PoolConfig {
  const session = { application_name: APPLICATION_NAME, ...SERVING };
  return { connectionString: url, ...CLIENT, ...session, max: RESERVED_POOL_SIZE };
}

/** To look whether migrations are pending, in time. */
export function lookOptions(url: string): PostgresOptions {
  return { ...migrationOptions(url), extra: { ...CLIENT, max: 1 } };
}

/** Who makes and removes partitions: one of each at a time. */
const OWNER_POOL_SIZE = 2;

export function ownerPool(url: string): PoolConfig {
  const session = { application_name: APPLICATION_NAME, options: SESSION };
  return { connectionString: url, ...CLIENT, ...session, max: OWNER_POOL_SIZE };
}
