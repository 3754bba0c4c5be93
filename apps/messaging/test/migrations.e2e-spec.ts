import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { migrationOptions } from '@app/database';
import { DataSource } from 'typeorm';
import { partitionOf, TestDatabase } from './support/database';
import { detachHalfway, parentOf } from './support/partitions';

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

  describe('into groups of partitions', () => {
    const tenantIds = Array.from({ length: 5 }, () => randomUUID()).toSorted();
    let source: DataSource;

    beforeEach(async () => {
      source = await new DataSource(migrationOptions(database.url)).initialize();
      await source.runMigrations();
      await undoGroups();
      for (const [index, tenantId] of tenantIds.entries()) await tenantOfBefore(tenantId, index);
    });

    afterEach(() => source.destroy());

    /** And what came after them. */
    async function undoGroups(): Promise<void> {
      for (let undone = ''; !undone.startsWith('PartitionGroups');) {
        const last = 'SELECT name FROM migrations ORDER BY id DESC LIMIT 1';
        undone = (await database.rows<{ name: string }>(last))[0]?.name ?? 'PartitionGroups';
        await source.undoLastMigration();
      }
    }

    /** With partitions as they were, and as many messages as its number. */
    async function tenantOfBefore(tenantId: string, messages: number): Promise<void> {
      for (const table of ['messages', 'dead_letters']) {
        const partition = partitionOf(tenantId, table);
        await database.client.query(`
          CREATE TABLE ${partition} (LIKE ${table} INCLUDING ALL);
          ALTER TABLE ${table} ATTACH PARTITION ${partition} FOR VALUES IN ('${tenantId}')`);
      }
      await database.client.query(
        `INSERT INTO messages (tenant_id, id, payload, accepted_at)
         SELECT $1, gen_random_uuid(), '1', now() FROM generate_series(1, $2)`,
        [tenantId, messages],
      );
    }

    const parents = (table: string) =>
      Promise.all(tenantIds.map((tenantId) => parentOf(database, tenantId, table)));
    const counts = () => Promise.all(tenantIds.map((tenantId) => database.stored(tenantId)));

    it('move with their rows, and back again', async () => {
      await source.runMigrations();
      for (const table of ['messages', 'dead_letters']) {
        for (const parent of await parents(table)) {
          expect(parent).toMatch(new RegExp(`^${table}_group_\\d\\d$`));
        }
      }
      expect(await counts()).toEqual([0, 1, 2, 3, 4]);

      await undoGroups();
      expect(new Set(await parents('messages'))).toEqual(new Set(['messages']));
      expect(await counts()).toEqual([0, 1, 2, 3, 4]);
    });

    it.each(['messages', 'dead_letters'])('go on where %s were interrupted', async (table) => {
      const holder = await database.connect();
      const [first = '', , , removed = '', last = ''] = tenantIds;
      await detachHalfway(database, removed);
      await holder.query(`BEGIN; LOCK TABLE ${partitionOf(last, table)} IN ACCESS SHARE MODE`);
      await expect(source.runMigrations()).rejects.toThrow('lock timeout');
      expect(await parentOf(database, first, table)).toMatch(`${table}_group_`);
      expect(await parentOf(database, last, table)).toBe(`${table}_before`);

      await holder.end();
      await source.runMigrations();
      expect(await counts()).toEqual([0, 1, 2, 0, 4]);
      expect(await parentOf(database, removed)).toBeNull();
    });

    it('go on where the way back was interrupted, which holds no more locks than one of them needs', async () => {
      await source.runMigrations();
      const holder = await database.connect();
      const [first = '', , , , last = ''] = tenantIds;
      await holder.query(`BEGIN; LOCK TABLE ${partitionOf(last)} IN ACCESS SHARE MODE`);
      await expect(undoGroups()).rejects.toThrow('lock timeout');
      expect(await parentOf(database, first)).toBe('messages');
      expect(await parentOf(database, last)).toMatch(/^messages_group_/);

      await holder.end();
      await undoGroups();
      expect(new Set(await parents('messages'))).toEqual(new Set(['messages']));
      expect(await counts()).toEqual([0, 1, 2, 3, 4]);
    });
  });
});
