import type { MigrationInterface, QueryRunner } from 'typeorm';
import { SERVING_ROLE } from '../serving-role';

/**
 * The limits of the tenants that ever had any, with the transaction that changed them last: so that a
 * replica learns of all changes by one question, however many tenants there are. A trigger notes it,
 * and not the program: a replica of the release before, or a person, may change limits too.
 */
export class LimitChanges1764000010000 implements MigrationInterface {
  readonly name = 'LimitChanges1764000010000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE limit_changes (
        tenant_id   uuid PRIMARY KEY REFERENCES tenants ON DELETE CASCADE,
        rate_limit  integer,
        max_backlog integer,
        changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id()
      )`);
    await queryRunner.query(`CREATE INDEX limit_changes_xid ON limit_changes (changed_xid)`);
    await queryRunner.query(`GRANT SELECT, INSERT, UPDATE ON limit_changes TO ${SERVING_ROLE}`);
    await queryRunner.query(`
      CREATE FUNCTION note_limit_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO limit_changes (tenant_id, rate_limit, max_backlog)
        VALUES (NEW.tenant_id, NEW.rate_limit, NEW.max_backlog)
        ON CONFLICT (tenant_id) DO UPDATE SET rate_limit = EXCLUDED.rate_limit,
          max_backlog = EXCLUDED.max_backlog, changed_xid = EXCLUDED.changed_xid;
        RETURN NULL;
      END $$`);
    await queryRunner.query(`
      CREATE TRIGGER note_limit_change AFTER UPDATE OF rate_limit, max_backlog ON tenants
      FOR EACH ROW EXECUTE FUNCTION note_limit_change()`);
    await queryRunner.query(`
      INSERT INTO limit_changes (tenant_id, rate_limit, max_backlog)
      SELECT tenant_id, rate_limit, max_backlog FROM tenants
      WHERE rate_limit IS NOT NULL OR max_backlog IS NOT NULL`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TRIGGER note_limit_change ON tenants`);
    await queryRunner.query(`DROP FUNCTION note_limit_change`);
    await queryRunner.query(`DROP TABLE limit_changes`);
  }
}
