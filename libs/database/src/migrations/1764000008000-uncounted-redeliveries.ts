import type { MigrationInterface, QueryRunner } from 'typeorm';
import { SERVING_ROLE } from '../serving-role';

/**
 * How often a message came back from a queue that does not count it, which is a classic one. Not
 * logged: a crash of the database makes a count begin again, and loses nothing else.
 */
export class UncountedRedeliveries1764000008000 implements MigrationInterface {
  readonly name = 'UncountedRedeliveries1764000008000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE UNLOGGED TABLE uncounted_redeliveries (
        tenant_id  uuid NOT NULL,
        message    uuid NOT NULL,
        deliveries integer NOT NULL DEFAULT 2,
        last_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (tenant_id, message)
      )`);
    await queryRunner.query(
      `GRANT SELECT, INSERT, UPDATE, DELETE ON uncounted_redeliveries TO ${SERVING_ROLE}`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE uncounted_redeliveries`);
  }
}
