import type { MigrationInterface, QueryRunner } from 'typeorm';
import { SERVING_ROLE, TENANT_SETTING } from '../serving-role';

/** An empty string is what is left of a setting after the transaction that it was made for. */
const IS_THE_TENANTS = `tenant_id = NULLIF(current_setting('${TENANT_SETTING}', true), '')::uuid`;

/** What serves all tenants at once, and holds nothing that they wrote. */
const WITHOUT_WALL = 'tenants, replicas, tenant_leases';

/**
 * Another database of the same server may be migrated at this moment, or have made the role long ago;
 * so may an administrator, where whoever migrates must not make roles.
 */
const MAKE_ROLE = `
  DO $$
  BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${SERVING_ROLE}') THEN
      BEGIN
        CREATE ROLE ${SERVING_ROLE} NOLOGIN;
      EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
      END;
    END IF;
    BEGIN
      SET LOCAL ROLE ${SERVING_ROLE};
      RESET ROLE;
    EXCEPTION WHEN insufficient_privilege THEN
      GRANT ${SERVING_ROLE} TO CURRENT_USER;
    END;
  EXCEPTION WHEN insufficient_privilege THEN
    RAISE insufficient_privilege USING MESSAGE = format(
      '%1$I may not make the role that serves; let an administrator run: '
      'CREATE ROLE ${SERVING_ROLE} NOLOGIN; GRANT ${SERVING_ROLE} TO %1$I;', current_user);
  END $$`;

/** It stays while another database needs it, or when it is an administrator's. */
const DROP_ROLE = `
  DO $$
  BEGIN
    DROP ROLE IF EXISTS ${SERVING_ROLE};
  EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN NULL;
  END $$`;

/** What serving may do with a table, and for whom. */
export const WALL = {
  messages: `
    GRANT SELECT, INSERT ON messages TO ${SERVING_ROLE};
    CREATE POLICY read_the_tenants ON messages FOR SELECT TO ${SERVING_ROLE}
      USING (${IS_THE_TENANTS});
    CREATE POLICY store_any ON messages FOR INSERT TO ${SERVING_ROLE} WITH CHECK (true);
    ALTER TABLE messages ENABLE ROW LEVEL SECURITY`,
  dead_letters: `
    GRANT SELECT, INSERT, UPDATE, DELETE ON dead_letters TO ${SERVING_ROLE};
    CREATE POLICY only_the_tenants ON dead_letters TO ${SERVING_ROLE} USING (${IS_THE_TENANTS});
    ALTER TABLE dead_letters ENABLE ROW LEVEL SECURITY`,
} as const;

/** Ids alone: what is in the letters stays behind the wall. */
export const ASK_ACROSS_TENANTS = `
  CREATE OR REPLACE FUNCTION stranded_dead_letters(older_than_ms float8)
  RETURNS TABLE (tenant_id uuid, id uuid) LANGUAGE sql SECURITY DEFINER
  BEGIN ATOMIC
    SELECT d.tenant_id, d.id FROM tenants t JOIN dead_letters d ON d.tenant_id = t.tenant_id
    WHERE t.removed_at IS NULL
      AND d.redriven_at < clock_timestamp() - make_interval(secs => older_than_ms / 1000)
    LIMIT 100;
  END;
  REVOKE ALL ON FUNCTION stranded_dead_letters(float8) FROM PUBLIC;
  GRANT EXECUTE ON FUNCTION stranded_dead_letters(float8) TO ${SERVING_ROLE}`;

/**
 * The second wall between tenants: a statement that forgets its WHERE sees the rows of the tenant for
 * whom it runs, and none when it runs for nobody. Nothing is granted on the partitions, which have no
 * policies of their own: the way to a row is through its parent. A migration that adds a table grants
 * what serving needs of it.
 *
 * The owner is not held to it (FORCE): it is who makes backups, which would be refused, and in whose
 * name the one question across tenants is asked, that for dead letters which somebody left on their way.
 * Messages are stored for many tenants in one statement, so that storing is free; reading them is not.
 *
 * https://www.postgresql.org/docs/current/ddl-rowsecurity.html
 */
export class SecondWall1764000006000 implements MigrationInterface {
  readonly name = 'SecondWall1764000006000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(MAKE_ROLE);
    await queryRunner.query(
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ${WITHOUT_WALL} TO ${SERVING_ROLE}`,
    );
    await queryRunner.query(WALL.messages);
    await queryRunner.query(WALL.dead_letters);
    await queryRunner.query(ASK_ACROSS_TENANTS);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP FUNCTION stranded_dead_letters(float8)`);
    await queryRunner.query(`
      ALTER TABLE messages DISABLE ROW LEVEL SECURITY;
      ALTER TABLE dead_letters DISABLE ROW LEVEL SECURITY;
      DROP POLICY read_the_tenants ON messages;
      DROP POLICY store_any ON messages;
      DROP POLICY only_the_tenants ON dead_letters`);
    await queryRunner.query(
      `REVOKE ALL ON messages, dead_letters, ${WITHOUT_WALL} FROM ${SERVING_ROLE}`,
    );
    await queryRunner.query(DROP_ROLE);
  }
}
