import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { migrationOptions } from '@app/database';
import { DataSource } from 'typeorm';
import { TestDatabase } from './support/database';

const ROOT = resolve(__dirname, '../../..');

/** Whatever stands in the schema, as PostgreSQL itself would write it down. */
const SCHEMA = `
  SELECT 'relation' AS kind, c.relname AS of,
    concat_ws(' ', c.relname, c.relkind, c.relpersistence, pg_get_partkeydef(c.oid)) AS is
  FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
  UNION ALL
  SELECT 'column', c.relname, concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
    a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid))
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0
    AND NOT a.attisdropped
  UNION ALL
  SELECT 'index', tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'
  UNION ALL
  SELECT 'constraint', conrelid::regclass::text, concat_ws(' ', conname, pg_get_constraintdef(oid))
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
  UNION ALL
  SELECT 'function', proname, pg_get_functiondef(oid)
  FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  UNION ALL
  SELECT 'type', typname, typtype::text FROM pg_type
  WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
  ORDER BY 1, 2, 3`;

interface Part {
  readonly kind: string;
  readonly of: string;
  readonly is: string;
}

describe('the migrations', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await TestDatabase.create();
  });

  afterEach(() => database.drop());

  /** All but TypeORM's own list of what it ran. */
  async function schema(): Promise<Part[]> {
    const parts = await database.rows<Part>(SCHEMA);
    return parts.filter((part) => !/^migrations(_id_seq)?$/.test(part.of));
  }

  const tables = (parts: Part[]): string[] =>
    parts.filter(({ kind }) => kind === 'relation').map((part) => part.of);

  it('can all be taken back, leave nothing behind, and come again the same', async () => {
    const source = await new DataSource(migrationOptions(database.url)).initialize();
    const ran = await source.runMigrations();
    const first = await schema();
    expect(tables(first)).toEqual(expect.arrayContaining(['messages', 'tenants']));

    for (let left = ran.length; left > 0; left--) await source.undoLastMigration();
    expect(await schema()).toEqual([]);
    expect(await database.rows('SELECT * FROM migrations')).toEqual([]);

    expect(await source.runMigrations()).toHaveLength(ran.length);
    expect(await schema()).toEqual(first);
    await source.destroy();
  });

  it('run and revert from the command line', async () => {
    const typeorm = async (command: string): Promise<Part[]> => {
      const args = [`migration:${command}`, '-d', 'dist/ormconfig.js'];
      const env = { ...process.env, DATABASE_URL: database.url };
      await promisify(execFile)('node_modules/.bin/typeorm', args, { cwd: ROOT, env });
      return schema();
    };
    const all = await typeorm('run');
    expect(tables(all)).toContain('tenants');
    const oneLess = await typeorm('revert');
    expect(oneLess.length).toBeLessThan(all.length);
    expect(await typeorm('run')).toEqual(all);
  });
});
