import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Less than what a statement of the program may take, so that none of those behind it fails. */
export const LOCK_TIMEOUT_MS = 1_000;

export type MigrationClass = new () => MigrationInterface;

/**
 * The same migration, but none of its statements waits long for a lock: whoever comes after it wants a
 * lock as well and queues behind it, while what it waits for, a backup say, may take hours.
 *
 * https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-LOCK-TIMEOUT
 */
export function boundedWaiting(Migration: MigrationClass): MigrationClass {
  return class extends Migration {
    override async up(queryRunner: QueryRunner): Promise<void> {
      await boundWaiting(queryRunner);
      await super.up(queryRunner);
    }

    override async down(queryRunner: QueryRunner): Promise<void> {
      await boundWaiting(queryRunner);
      await super.down(queryRunner);
    }
  };
}

/** Until the end of the migration's transaction; one that runs without sees to it itself. */
const boundWaiting = (queryRunner: QueryRunner): Promise<unknown> =>
  queryRunner.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
