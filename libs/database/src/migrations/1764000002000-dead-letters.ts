import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What can never be stored as a message, byte for byte as it came, with the reason. `redriven_at`
 * is the mark of one that is on its way back into the queue: whoever finds an old mark goes on.
 */
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
        redriven_at timestamptz,
        PRIMARY KEY (tenant_id, id)
      ) PARTITION BY LIST (tenant_id)`);
    await queryRunner.query(`CREATE INDEX dead_letters_by_death ON dead_letters (died_at, id)`);
    await queryRunner.query(
      `CREATE INDEX dead_letters_redriven ON dead_letters (redriven_at) WHERE redriven_at IS NOT NULL`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE dead_letters`);
  }
}
