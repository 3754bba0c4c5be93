import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A removed tenant keeps its row until its queue and partitions are gone, so that whoever finds it
 * later can finish the work; its name is free again at once.
 */
export class Tenants1764000000000 implements MigrationInterface {
  readonly name = 'Tenants1764000000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE tenants (
        tenant_id  uuid PRIMARY KEY,
        name       text NOT NULL,
        status     text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'paused')),
        workers    integer NOT NULL CHECK (workers >= 1),
        created_at timestamptz(3) NOT NULL DEFAULT now(),
        updated_at timestamptz(3) NOT NULL DEFAULT now(),
        removed_at timestamptz(3)
      )`);
    await queryRunner.query(
      `CREATE UNIQUE INDEX tenants_living_name ON tenants (name) WHERE removed_at IS NULL`,
    );
    await queryRunner.query(
      `CREATE INDEX tenants_removed ON tenants (removed_at) WHERE removed_at IS NOT NULL`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE tenants`);
  }
}
