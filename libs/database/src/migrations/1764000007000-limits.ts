import type { MigrationInterface, QueryRunner } from 'typeorm';
import { SERVING_ROLE } from '../serving-role';

/**
 * What a tenant may send, null meaning as much as it likes, and the buckets from which the replicas
 * that serve it take the right to do so. A bucket is worth a second; nobody's correctness rests on
 * it, so it is not logged: after a crash of the database it is full again. Half of each page is kept
 * free, so that its few updates a second are made in place.
 */
export class Limits1764000007000 implements MigrationInterface {
  readonly name = 'Limits1764000007000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE tenants
        ADD COLUMN rate_limit integer
          CONSTRAINT tenants_rate_limit_check CHECK (rate_limit >= 1),
        ADD COLUMN max_backlog integer
          CONSTRAINT tenants_max_backlog_check CHECK (max_backlog >= 1)`);
    await queryRunner.query(`
      CREATE UNLOGGED TABLE rate_buckets (
        tenant_id uuid PRIMARY KEY REFERENCES tenants ON DELETE CASCADE,
        tokens    double precision NOT NULL CHECK (tokens >= 0),
        filled_at timestamptz NOT NULL,
        granted   integer NOT NULL,
        borrowers jsonb NOT NULL
      ) WITH (fillfactor = 50)`);
    await queryRunner.query(
      `GRANT SELECT, INSERT, UPDATE, DELETE ON rate_buckets TO ${SERVING_ROLE}`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE rate_buckets`);
    await queryRunner.query(`ALTER TABLE tenants DROP COLUMN rate_limit, DROP COLUMN max_backlog`);
  }
}
