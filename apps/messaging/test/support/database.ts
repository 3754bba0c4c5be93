import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { servers } from './servers';

/** A database of a test's own, seen from outside the program. */
export class TestDatabase {
  private constructor(
    readonly url: string,
    private readonly name: string,
    readonly client: Client,
  ) {}

  /** @param server one of the test's own; by default that of the run */
  static async create(server = servers().databaseUrl): Promise<TestDatabase> {
    const name = `test_${randomBytes(6).toString('hex')}`;
    await asAdmin(server, (admin) => admin.query(`CREATE DATABASE ${name}`));
    const url = withPath(server, name);
    return new TestDatabase(url, name, await connect(url));
  }

  /** Another connection, for a transaction that is to stay open. */
  connect(): Promise<Client> {
    return connect(this.url);
  }

  async rows<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    const { rows } = await this.client.query<Row>(text, values);
    return rows;
  }

  /** How many messages of a tenant are stored. */
  async stored(tenantId: string): Promise<number> {
    const text = 'SELECT count(*)::int AS count FROM messages WHERE tenant_id = $1';
    const [row] = await this.rows<{ count: number }>(text, [tenantId]);
    return row?.count ?? 0;
  }

  async drop(): Promise<void> {
    await this.client.end();
    await asAdmin(this.url, (admin) =>
      admin.query(`DROP DATABASE IF EXISTS ${this.name} WITH (FORCE)`),
    );
  }
}

/** The name of a tenant's partition. */
export const partitionOf = (tenantId: string, table = 'messages'): string =>
  `${table}_${tenantId.replaceAll('-', '')}`;

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  // A server that a test stops or cuts off ends the connections of the test as well.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function asAdmin(server: string, work: (admin: Client) => Promise<unknown>): Promise<void> {
  const admin = await connect(withPath(server, 'postgres'));
  await work(admin);
  await admin.end();
}

function withPath(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.toString();
}
