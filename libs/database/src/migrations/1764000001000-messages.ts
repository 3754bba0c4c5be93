import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * One partition per tenant, made by `tenant-partition`. There is no default partition, which would
 * forbid detaching concurrently, and no foreign key to `tenants`, which would lock it: that the
 * partition exists is what makes a row possible.
 *
 * `stored_xid` is the transaction that stored the row. Rows do not commit in the order of any key
 * that the writer assigns, but below the oldest transaction still running (`pg_snapshot_xmin`)
 * nothing can appear any more: that is the horizon up to which a reader may follow along.
 */
export class Messages1764000001000 implements MigrationInterface {
  readonly name = 'Messages1764000001000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE messages (
        tenant_id   uuid NOT NULL,
        id          uuid NOT NULL,
        type        text,
        payload     jsonb NOT NULL,
        accepted_at timestamptz(3) NOT NULL,
        stored_at   timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
        stored_xid  xid8 NOT NULL DEFAULT pg_current_xact_id(),
        PRIMARY KEY (tenant_id, id)
      ) PARTITION BY LIST (tenant_id)`);
    await queryRunner.query(`CREATE INDEX messages_in_stored_order ON messages (stored_xid, id)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE messages`);
  }
}
