import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * From when on a tenant's tokens hold; without it, all do. A column without a default is added
 * without rewriting the table, and replicas of the release before do not notice it.
 */
export class Tokens1764000005000 implements MigrationInterface {
  readonly name = 'Tokens1764000005000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE tenants ADD COLUMN tokens_valid_from timestamptz(3)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE tenants DROP COLUMN tokens_valid_from`);
  }
}
