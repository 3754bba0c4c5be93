import { Database, migrationOptions, SERVING_ROLE, servingOptions } from '@app/database';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { asServed } from './support/as-served';
import { TestBroker } from './support/broker';
import { partitionOf, TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { partitionTables } from './support/partitions';
import { Program } from './support/program';

const TABLES = ['messages', 'dead_letters'] as const;
const DENIED = '42501';

describe('the second wall between tenants', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;
  let source: DataSource;
  let mine: string;
  let theirs: string;

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    program = await Program.start({ databaseUrl: database.url });
    source = await new DataSource(servingOptions(database.url, 2)).initialize();
    mine = await tenantWithRows();
    theirs = await tenantWithRows();
  });

  afterAll(async () => {
    await source.destroy();
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  /** Two messages and two dead letters. */
  async function tenantWithRows(): Promise<string> {
    const tenantId = await program.api.createTenant();
    await program.api.sendBatch(tenantId, [1, 2]);
    for (const body of ['{"half":', '[']) await broker.publish(tenantId, body);
    await eventually(async () => {
      for (const table of TABLES) expect(await countOf(table, tenantId)).toBe(2);
    });
    return tenantId;
  }

  async function countOf(table: string, tenantId: string): Promise<number> {
    const rows = await database.rows(`SELECT FROM ${table} WHERE tenant_id = $1`, [tenantId]);
    return rows.length;
  }

  const seen = (tenantId: string | undefined, statement: string): Promise<string[]> =>
    asServed(database.client, tenantId, async (client) => {
      const { rows } = await client.query<{ tenant_id: string }>(statement);
      return rows.map((row) => row.tenant_id);
    });

  const codeFor = (statement: string): Promise<string | undefined> =>
    seen(mine, statement).then(
      () => undefined,
      (error: unknown) => (error as { code: string }).code,
    );

  describe.each(TABLES)('around %s', (table) => {
    it('shows a forgotten WHERE the rows of the tenant, and no others', async () => {
      expect(await seen(mine, `SELECT tenant_id FROM ${table}`)).toEqual([mine, mine]);
      const joined = `SELECT a.tenant_id FROM ${table} a JOIN ${table} b ON a.id <> b.id`;
      expect(await seen(mine, joined)).toEqual([mine, mine]);
      expect(await seen(mine, `SELECT FROM ${table} WHERE tenant_id = '${theirs}'`)).toEqual([]);
    });

    it('shows nothing to who asks for nobody', async () => {
      const all = `SELECT tenant_id FROM ${table}`;
      expect(await seen(undefined, all)).toEqual([]);
      // What a transaction for a tenant leaves behind is not null, but empty.
      await seen(mine, all);
      expect(await seen(undefined, all)).toEqual([]);
    });

    it('lets nobody past the parent, to a partition itself', async () => {
      const partition = partitionOf(mine, table);
      for (const statement of [
        `SELECT tenant_id FROM ${partition}`,
        `INSERT INTO ${partition} SELECT * FROM ${table}`,
        `UPDATE ${partition} SET type = 'x'`,
        `DELETE FROM ${partition}`,
        `TRUNCATE ${partition}`,
        `ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY`,
        `ALTER TABLE ${table} DETACH PARTITION ${partition}`,
      ]) {
        expect([statement, await codeFor(statement)]).toEqual([statement, DENIED]);
      }
    });
  });

  it('changes no dead letter but the tenant’s, and no message at all', async () => {
    const update = `UPDATE dead_letters SET reason = 'x' RETURNING tenant_id`;
    expect(await seen(mine, update)).toEqual([mine, mine]);
    expect(await seen(mine, `DELETE FROM dead_letters RETURNING tenant_id`)).toEqual([mine, mine]);
    expect(await seen(undefined, `DELETE FROM dead_letters RETURNING tenant_id`)).toEqual([]);
    const moved = `UPDATE dead_letters SET tenant_id = '${theirs}', id = gen_random_uuid()`;
    expect(await codeFor(moved)).toBe(DENIED);
    expect(await codeFor(`UPDATE messages SET type = 'x'`)).toBe(DENIED);
    expect(await codeFor('DELETE FROM messages')).toBe(DENIED);
  });

  it('has nothing granted on any partition, and all other tables open to who serves', async () => {
    const partitions = await partitionTables(database);
    expect(partitions).toHaveLength(4);
    const tables = await database.rows<{ name: string; granted: boolean }>(
      `SELECT relname AS name, has_table_privilege($1, oid, 'SELECT') AS granted
       FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')`,
      [SERVING_ROLE],
    );
    const closed = tables.filter(({ granted }) => !granted).map(({ name }) => name);
    const groups = tables.map(({ name }) => name).filter((name) => /_group_\d\d$/.test(name));
    expect(groups).toHaveLength(128);
    expect(closed.toSorted()).toEqual([...groups, ...partitions, 'migrations'].toSorted());
  });

  it('is what the program itself stands behind: its role owns nothing and passes no policy', async () => {
    const [role] = await database.rows(
      `SELECT rolsuper, rolbypassrls, rolcanlogin,
         (SELECT count(*)::int FROM pg_class WHERE relowner = r.oid) AS owns
       FROM pg_roles r WHERE rolname = $1`,
      [SERVING_ROLE],
    );
    const powerless = { rolsuper: false, rolbypassrls: false, rolcanlogin: false, owns: 0 };
    expect(role).toEqual(powerless);

    // Whoever is let in by another way than the policy would still see the rows.
    const read = async (): Promise<number> => (await program.api.messages(mine)).data.length;
    const theWall = (using: string): Promise<unknown> =>
      database.rows(`ALTER POLICY read_the_tenants ON messages USING (${using})`);
    const [policy] = await database.rows<{ qual: string }>(
      `SELECT qual FROM pg_policies WHERE policyname = 'read_the_tenants'`,
    );
    expect(await read()).toBe(2);
    await theWall('false');
    expect(await read()).toBe(0);
    await theWall(policy?.qual ?? '');
    expect(await read()).toBe(2);
  });

  it('keeps tenants apart who take turns on the same connections', async () => {
    const own = new Database(source);
    const all = { name: 'all', text: 'SELECT tenant_id FROM messages' };
    const runs = Array.from({ length: 300 }, async (_, n) => {
      const tenantId = [mine, theirs, undefined][n % 3];
      const run = tenantId ? own.as(tenantId).run : own.run;
      const rows = await run<{ tenant_id: string }>(all, []);
      expect(rows.map((row) => row.tenant_id)).toEqual(tenantId ? [tenantId, tenantId] : []);
    });
    await Promise.all(runs);
  });

  it('leaves no tenant behind on a connection whose statement fails', async () => {
    const own = new Database(source);
    const failing = { name: 'failing', text: 'SELECT 1 / $1::int' };
    for (let n = 0; n < 4; n++) {
      await expect(own.as(mine).run(failing, [0])).rejects.toThrow('division by zero');
      expect(await own.run({ name: 'all', text: 'SELECT tenant_id FROM messages' }, [])).toEqual(
        [],
      );
    }
    const invalid = own.as('nobody').run({ name: 'one', text: 'SELECT id FROM messages' }, []);
    await expect(invalid).rejects.toThrow('invalid input syntax for type uuid');
  });

  describe('built by a plain owner of the database', () => {
    const owner = `owner_${process.pid}`;
    let other: TestDatabase;
    let url: string;

    beforeAll(async () => {
      other = await TestDatabase.create();
      const { pathname } = new URL(other.url);
      await other.rows(`CREATE ROLE ${owner} LOGIN PASSWORD 'x'`);
      await other.rows(`ALTER DATABASE ${pathname.slice(1)} OWNER TO ${owner}`);
      url = Object.assign(new URL(other.url), { username: owner, password: 'x' }).toString();
    });

    afterAll(async () => {
      await other.rows(`DROP OWNED BY ${owner}`);
      await other.rows(`ALTER DATABASE ${new URL(url).pathname.slice(1)} OWNER TO CURRENT_USER`);
      await other.rows(`DROP ROLE ${owner}`);
      await other.drop();
    });

    const migrated = async (work: (source: DataSource) => Promise<unknown>): Promise<void> => {
      const migrations = await new DataSource(migrationOptions(url)).initialize();
      await work(migrations).finally(() => migrations.destroy());
    };

    it('names what an administrator has to do, where the owner may not', async () => {
      const remedy = `CREATE ROLE ${SERVING_ROLE} NOLOGIN; GRANT ${SERVING_ROLE} TO ${owner};`;
      await expect(migrated((migrations) => migrations.runMigrations())).rejects.toThrow(remedy);
    });

    it('holds, also for partitions that the program makes, and can be taken back', async () => {
      await other.rows(`GRANT ${SERVING_ROLE} TO ${owner}`);
      const owned = await Program.start({ databaseUrl: url });
      const [first, second] = [await owned.api.createTenant(), await owned.api.createTenant()];
      for (const tenantId of [first, second]) {
        await owned.api.send(tenantId, 'hello');
        await broker.publish(tenantId, '{"half":');
        const path = `/api/tenants/${tenantId}/dead-letters`;
        await eventually(async () => {
          expect((await owned.api.messages(tenantId)).data).toHaveLength(1);
          expect((await owned.api.get(path)).body).toMatchObject({ data: [{ body: '{"half":' }] });
        });
      }
      const client = new Client({ connectionString: url, options: `-c role=${SERVING_ROLE}` });
      await client.connect();
      await expect(client.query(`SELECT FROM ${partitionOf(first)}`)).rejects.toThrow('denied');
      expect((await client.query('SELECT FROM messages')).rowCount).toBe(0);
      await client.end();
      await owned.api.remove(second);
      await eventually(async () => expect(await partitionTables(other, second)).toEqual([]));
      await owned.stop();

      await migrated(async (migrations) => {
        while (await hasRun(other, 'SecondWall')) await migrations.undoLastMigration();
      });
      // Another database needs the role: it stays, and so does what it may do there.
      expect((await program.api.messages(mine)).data).toHaveLength(2);
      await migrated((migrations) => migrations.runMigrations());
    });
  });

  it('is a condition of serving: a URL whose options replace the role is refused', async () => {
    const databaseUrl = `${database.url}?options=-c%20search_path%3Dpublic`;
    const other = await Program.start({ databaseUrl, until: 'live' });
    await eventually(() => {
      expect(other.output).toContain('not as messaging_serving: DATABASE_URL must not set options');
    });
    expect(await other.api.status('/health/ready')).toBe(503);
    expect(await other.api.status(`/api/tenants/${mine}/messages`)).toBe(503);
    await other.stop();
  });
});

async function hasRun(database: TestDatabase, name: string): Promise<boolean> {
  const rows = await database.rows('SELECT FROM migrations WHERE name LIKE $1', [`${name}%`]);
  return rows.length > 0;
}
