import { SERVING_ROLE, TENANT_SETTING } from '@app/database';
import { Client } from 'pg';
import { TestBroker } from './support/broker';
import { partitionOf, TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { Program } from './support/program';

const TABLES = ['messages', 'dead_letters'] as const;
const DENIED = '42501';
/** `COPY` fills nothing that has policies. */
const NOT_SUPPORTED = '0A000';

interface Told {
  /** The SQLSTATE of what was refused. */
  readonly code?: string;
  /** All that came back: rows, what was copied out, and notices. */
  readonly text: string;
}

describe('ways around the second wall, as the role that serves one tenant', () => {
  const login = `login_${process.pid}`;
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;
  let client: Client;
  let heard: string[];
  let mine: string;
  let theirs: string;

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    program = await Program.start({ databaseUrl: database.url });
    [mine, theirs] = [await tenantWithRows(), await tenantWithRows()];
    // Whatever the planner may have learnt of the rows.
    await database.rows('ANALYZE');
    await database.rows(`CREATE ROLE ${login} LOGIN PASSWORD 'x' IN ROLE ${SERVING_ROLE}`);
    client = await connect();
  });

  afterAll(async () => {
    await client.end();
    await database.rows(`DROP ROLE ${login}`);
    await Program.killAll();
    await broker.close();
    await database.drop();
  });

  /** A message and a dead letter, both of which hold the tenant's id. */
  async function tenantWithRows(): Promise<string> {
    const tenantId = await program.api.createTenant();
    await program.api.send(tenantId, { of: tenantId });
    await broker.publish(tenantId, `no JSON of ${tenantId}`);
    await eventually(async () => {
      for (const table of TABLES) {
        const text = `SELECT FROM ${table} WHERE tenant_id = $1`;
        expect(await database.rows(text, [tenantId])).toHaveLength(1);
      }
    });
    return tenantId;
  }

  /** Somebody who has no other role to go back to, unlike the program, whose login is the owner's. */
  async function connect(): Promise<Client> {
    const connectionString = Object.assign(new URL(database.url), {
      username: login,
      password: 'x',
    }).toString();
    const options = `-c role=${SERVING_ROLE} -c ${TENANT_SETTING}=${mine}`;
    const connected = new Client({ connectionString, options });
    connected.connection.on('copyData', ({ chunk }: { chunk: Buffer }) =>
      heard.push(chunk.toString()),
    );
    connected.on('notice', ({ message }) => heard.push(String(message)));
    await connected.connect();
    return connected;
  }

  /** Runs statements, the last of which is the one that matters, and takes back what they did. */
  async function ask(...statements: string[]): Promise<Told> {
    heard = [];
    await client.query('BEGIN');
    try {
      for (const statement of statements) heard.push(JSON.stringify(await rowsOf(statement)));
      return { text: heard.join('\n') };
    } catch (error) {
      return { code: (error as { code: string }).code, text: heard.join('\n') };
    } finally {
      await client.query('ROLLBACK');
    }
  }

  const rowsOf = async (statement: string): Promise<unknown[]> =>
    (await client.query<object>(statement)).rows;

  async function expectRefused(code: unknown, ...statements: string[]): Promise<void> {
    const told = await ask(...statements);
    expect([statements, told.code]).toEqual([statements, code]);
    expect(told.text).not.toContain(theirs);
  }

  async function expectOnlyMine(...statements: string[]): Promise<void> {
    const { code, text } = await ask(...statements);
    expect([statements, code]).toEqual([statements, undefined]);
    expect([statements, text]).toEqual([statements, expect.stringContaining(mine)]);
    expect([statements, text]).toEqual([statements, expect.not.stringContaining(theirs)]);
  }

  describe.each(TABLES)('to %s', (table) => {
    it('show whom the setting names, however the parent is read', async () => {
      for (const statement of [
        `TABLE ${table}`,
        `SELECT ${table} FROM ${table}`,
        `COPY (TABLE ${table}) TO STDOUT`,
        `SELECT table_to_xml('${table}', true, false, '')`,
        `SELECT query_to_xml('TABLE ${table}', true, false, '')`,
        `WITH RECURSIVE all_of AS (TABLE ${table}) TABLE all_of`,
        `SELECT count(*), min(tenant_id::text), max(tenant_id::text) FROM ${table}`,
      ])
        await expectOnlyMine(statement);
      await expectOnlyMine(`DECLARE all_of CURSOR FOR TABLE ${table}`, 'FETCH ALL FROM all_of');
      await expectOnlyMine(`PREPARE p AS TABLE ${table}`, 'EXECUTE p', 'DEALLOCATE p');
      await expectOnlyMine(`CREATE TEMP VIEW v AS TABLE ${table}`, 'TABLE v');
      await expectOnlyMine(`CREATE TEMP TABLE t AS TABLE ${table}`, 'TABLE t');
    });

    it('let no condition see a row before the policy has', async () => {
      await expectOnlyMine(
        `CREATE FUNCTION pg_temp.tells(value text) RETURNS boolean LANGUAGE plpgsql COST 0.0001
         AS $$ BEGIN RAISE NOTICE '%', value; RETURN true; END $$`,
        `SELECT FROM ${table} WHERE pg_temp.tells(${table}::text)`,
      );
    });

    it('are closed at the partition, under its own name', async () => {
      const partition = partitionOf(theirs, table);
      for (const statement of [
        `TABLE ${partition}`,
        `SELECT count(*) FROM ${partition}`,
        `COPY ${partition} TO STDOUT`,
        `COPY (TABLE ${partition}) TO STDOUT`,
        `COPY ${partition} FROM STDIN`,
        `SELECT table_to_xml('${partition}', true, false, '')`,
        `EXPLAIN ANALYZE TABLE ${partition}`,
        `CREATE TEMP VIEW v AS TABLE ${partition}; TABLE v`,
        `CREATE TEMP TABLE t (LIKE ${partition})`,
        `CREATE INDEX ON ${partition} (id)`,
        `CREATE STATISTICS s ON id, type FROM ${partition}`,
        `LOCK TABLE ${partition}`,
        `GRANT SELECT ON ${partition} TO ${SERVING_ROLE}`,
        `ALTER TABLE ${partition} OWNER TO ${SERVING_ROLE}`,
      ])
        await expectRefused(DENIED, statement);
    });

    it('are filled by no copy, and copied to no place but to who asks', async () => {
      // With policies it means ONLY the parent, which holds no row itself.
      expect(await ask(`COPY ${table} TO STDOUT`)).toEqual({ text: '[]' });
      await expectRefused(NOT_SUPPORTED, `COPY ${table} FROM STDIN`);
      await expectRefused(DENIED, `COPY ${table} TO '/tmp/${table}'`);
      await expectRefused(DENIED, `COPY (TABLE ${table}) TO PROGRAM 'cat'`);
    });

    it('cannot be opened by who goes through them', async () => {
      for (const statement of [
        `ALTER TABLE ${table} NO FORCE ROW LEVEL SECURITY`,
        `CREATE POLICY all_rows ON ${table} USING (true)`,
        `CREATE TRIGGER t BEFORE INSERT ON ${table} EXECUTE FUNCTION now()`,
        `CREATE RULE r AS ON INSERT TO ${table} DO NOTHING`,
        `CREATE VIEW public.v AS TABLE ${table}`,
      ])
        await expectRefused(DENIED, statement);
      await expectRefused(DENIED, 'SET LOCAL row_security = off', `TABLE ${table}`);
    });
  });

  it('show no dead letter of others to who changes them', async () => {
    await expectOnlyMine('SELECT * FROM dead_letters FOR UPDATE');
    await expectOnlyMine(`UPDATE dead_letters SET reason = 'x' RETURNING *`);
    await expectOnlyMine(
      `INSERT INTO dead_letters TABLE dead_letters
       ON CONFLICT (tenant_id, id) DO UPDATE SET reason = 'x' RETURNING *`,
    );
    const others = `WHERE tenant_id = '${theirs}' RETURNING *`;
    expect(await ask(`DELETE FROM dead_letters ${others}`)).toEqual({ text: '[]' });
  });

  it('lead to no other role', async () => {
    const { rows } = await database.client.query<{ owner: string }>(
      `SELECT tableowner AS owner FROM pg_tables WHERE tablename = 'messages'`,
    );
    const owner = String(rows[0]?.owner);
    for (const role of [owner, 'pg_read_all_data', 'pg_read_server_files', 'pg_monitor'])
      await expectRefused(DENIED, `SET ROLE ${role}`);
    await expectRefused(DENIED, `SET SESSION AUTHORIZATION ${owner}`);
    await expectRefused(DENIED, `ALTER ROLE ${SERVING_ROLE} BYPASSRLS`);
    await expectRefused(DENIED, `GRANT ${owner} TO ${SERVING_ROLE}`);
    for (const back of ['SET ROLE NONE', 'RESET ROLE', 'RESET ALL', 'DISCARD PLANS']) {
      await expectOnlyMine(back, 'TABLE messages');
      await expectRefused(DENIED, back, `TABLE ${partitionOf(theirs)}`);
    }
  });

  it('are not in what the planner has learnt, nor in files', async () => {
    const learnt = `SELECT * FROM pg_stats WHERE tablename ~ '^(messages|dead_letters)'`;
    expect(JSON.stringify(await database.rows(learnt))).toContain(theirs);
    expect(await ask(learnt)).toEqual({ text: '[]' });
    expect(await ask(learnt.replace('pg_stats', 'pg_stats_ext'))).toEqual({ text: '[]' });
    for (const statement of [
      'TABLE pg_statistic',
      'TABLE pg_authid',
      `SELECT pg_read_file('PG_VERSION')`,
      `SELECT pg_read_binary_file(pg_relation_filepath('${partitionOf(theirs)}'))`,
      `SELECT lo_import('/etc/hostname')`,
      `CREATE EXTENSION pageinspect`,
    ])
      await expectRefused(DENIED, statement);
  });
});
