import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What each replica says it runs, so that any of them can answer for all. A report counts while its
 * replica's heartbeat is fresh, by the database's clock alone. Nobody's correctness rests on these
 * rows, so they are not logged: after a crash of the database the replicas report again.
 */
export class Replicas1764000003000 implements MigrationInterface {
  readonly name = 'Replicas1764000003000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE UNLOGGED TABLE replicas (
        replica_id   uuid PRIMARY KEY,
        heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp()
      )`);
    await queryRunner.query(`
      CREATE UNLOGGED TABLE consumer_reports (
        tenant_id       uuid NOT NULL,
        replica_id      uuid NOT NULL REFERENCES replicas ON DELETE CASCADE,
        state           text NOT NULL CHECK (state IN ('starting', 'running')),
        workers_applied integer NOT NULL,
        PRIMARY KEY (tenant_id, replica_id)
      )`);
    await queryRunner.query(
      `CREATE INDEX consumer_reports_of_replica ON consumer_reports (replica_id)`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE consumer_reports`);
    await queryRunner.query(`DROP TABLE replicas`);
  }
}
