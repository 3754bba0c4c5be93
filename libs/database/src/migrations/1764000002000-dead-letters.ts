import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What can never be stored as a message, byte for byte as it came, with the reason. */
export class DeadLetters1764000002000 implements MigrationInterface {
  readonly name = 'DeadLetters1764000002000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE dead_letters (
        tenant_id   uuid NOT NULL,
        id          uuid NOT NULL,
        type        text,
        body        bytea NOT NULL,
        reason      text NOT NULL,
        attempts    integer NOT NULL CHECK (attempts >= 1),
        accepted_at timestamptz(3) NOT NULL,
        died_at     timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (tenant_id, id)
      ) PARTITION BY LIST (tenant_id)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE dead_letters`);
  }
}
