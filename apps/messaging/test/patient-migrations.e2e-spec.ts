import { boundedWaiting, migrationOptions, PatientDataSource, SchemaInUse } from '@app/database';
import type { Client } from 'pg';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { TestDatabase } from './support/database';
import { eventually, throughout } from './support/eventually';
import { Program } from './support/program';

/** Any that changes a table in use, which needs it for itself for a moment. */
class Remark1999999999999 implements MigrationInterface {
  readonly name = 'Remark1999999999999';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE tenants ADD COLUMN remark text');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE tenants DROP COLUMN remark');
  }
}

const WAITS_FOR_TENANTS = `
  SELECT count(*)::int AS waiting FROM pg_locks
  WHERE NOT granted AND relation = 'tenants'::regclass AND mode = 'AccessExclusiveLock'`;

const HAS_REMARK = `
  SELECT FROM pg_attribute
  WHERE attrelid = 'tenants'::regclass AND attname = 'remark' AND NOT attisdropped`;

describe('a migration that a long transaction is in the way of', () => {
  let database: TestDatabase;
  let program: Program;
  let backup: Client;
  let source: PatientDataSource;

  beforeEach(async () => {
    database = await TestDatabase.create();
    program = await Program.start({ databaseUrl: database.url });
    backup = await database.connect();
  });

  afterEach(async () => {
    await source.destroy();
    await backup.end();
    await Program.killAll();
    await database.drop();
  });

  async function migrating(attempts: number): Promise<PatientDataSource> {
    const { migrations, ...options } = migrationOptions(database.url);
    const all = [...(migrations as []), boundedWaiting(Remark1999999999999)];
    source = new PatientDataSource({ ...options, migrations: all }, { attempts, pauseMs: 1_000 });
    await source.initialize();
    return source;
  }

  /** What `pg_dump` holds on every table, from its beginning to its end. */
  async function backUp(): Promise<void> {
    await backup.query(`SET application_name = 'a backup'`);
    await backup.query('BEGIN; LOCK TABLE tenants IN ACCESS SHARE MODE');
  }

  const isWaiting = async (): Promise<boolean> => {
    const [row] = await database.rows<{ waiting: number }>(WAITS_FOR_TENANTS);
    return row?.waiting === 1;
  };

  const hasRemark = async (): Promise<boolean> => (await database.rows(HAS_REMARK)).length === 1;

  it('gets through when that ends, and nobody fails who comes meanwhile', async () => {
    const { api } = program;
    await backUp();
    const migrated = (await migrating(100)).runMigrations();
    await eventually(async () => expect(await isWaiting()).toBe(true));

    const looks: number[] = [];
    // Its first attempt ends, and a second one begins.
    const triedAgain = eventually(async () => expect(await isWaiting()).toBe(false)).then(() =>
      eventually(async () => expect(await isWaiting()).toBe(true)),
    );
    await throughout(triedAgain, async () => {
      looks.push(await api.status(`/api/tenants/${await api.createTenant()}`));
    });
    expect(new Set(looks)).toEqual(new Set([200]));
    expect(await hasRemark()).toBe(false);

    await backup.query('COMMIT');
    expect((await migrated).map(({ name }) => name)).toEqual(['Remark1999999999999']);
    expect(await hasRemark()).toBe(true);
  });

  it('gives up in the end, says what it waited for, and has changed nothing', async () => {
    const patient = await migrating(2);
    await backUp();
    const refusal = await patient.runMigrations().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(SchemaInUse);
    expect((refusal as SchemaInUse).message).toMatch(
      /2 times, for: ALTER TABLE tenants ADD COLUMN remark.* hold locks: pid \d+, a backup, of \w+, for \d+ s/,
    );
    expect(await hasRemark()).toBe(false);

    await backup.query('COMMIT');
    await patient.runMigrations();
    await backUp();
    await expect(patient.undoLastMigration()).rejects.toThrow(/DROP COLUMN remark/);
    expect(await hasRemark()).toBe(true);
  });
});
