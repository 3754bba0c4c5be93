import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Each active tenant is consumed by one replica at a time: the one that holds its lease. A lease is
 * good while its replica's heartbeat is fresh, by the database's clock alone. `steady_since` says
 * since when a replica was able to consume without a break; null, that it is not.
 *
 * `declared_at` is when a tenant's queue was there for the first time: until then nobody claims it. A
 * quorum queue that is consumed while it is being declared ends the connection of whoever does.
 *
 * Logged, unlike the reports that they replace: after a crash of the database every tenant would
 * otherwise move.
 */
export class Ownership1764000004000 implements MigrationInterface {
  readonly name = 'Ownership1764000004000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE consumer_reports`);
    await queryRunner.query(`DROP TABLE replicas`);
    await queryRunner.query(`
      CREATE TABLE replicas (
        replica_id   uuid PRIMARY KEY,
        heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        steady_since timestamptz
      )`);
    await queryRunner.query(`
      CREATE TABLE tenant_leases (
        tenant_id       uuid PRIMARY KEY,
        replica_id      uuid NOT NULL REFERENCES replicas ON DELETE CASCADE,
        given_up        boolean NOT NULL DEFAULT false,
        state           text NOT NULL DEFAULT 'starting' CHECK (state IN ('starting', 'running')),
        workers_applied integer NOT NULL DEFAULT 0
      )`);
    await queryRunner.query(`CREATE INDEX tenant_leases_of_replica ON tenant_leases (replica_id)`);
    await queryRunner.query(`ALTER TABLE tenants ADD declared_at timestamptz(3)`);
    await queryRunner.query(`UPDATE tenants SET declared_at = now()`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE tenants DROP declared_at`);
    await queryRunner.query(`DROP TABLE tenant_leases`);
    await queryRunner.query(`DROP TABLE replicas`);
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
}
