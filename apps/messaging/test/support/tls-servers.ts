import { X509Certificate } from 'node:crypto';
import { chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { freePort, LocalStack, RabbitmqServer } from '@app/local-stack';
import { Client } from 'pg';
import type { ServerCertificate } from './certificates';
import { TestDatabase } from './database';
import { eventually } from './eventually';
import { rabbitmqctl } from './rabbitmqctl';

/** The name by which both are reached, and which their certificates have to name. */
export const HOST = 'localhost';

const USER = 'over-tls';
export const BROKER_PASSWORD = 'a-password-for-the-broker';

/** A PostgreSQL and a RabbitMQ that show certificates, which may change while they run. */
export class TlsServers {
  private constructor(
    private readonly directory: string,
    private readonly stack: LocalStack,
    private readonly broker: RabbitmqServer,
    private readonly brokerPort: number,
    readonly database: TestDatabase,
  ) {}

  static async start(certificate: ServerCertificate): Promise<TlsServers> {
    const directory = mkdtempSync(join(tmpdir(), 'messaging-test-tls-'));
    const stack = await LocalStack.start({ only: ['postgres'] });
    writeCertificate(directory, certificate);
    const port = await freePort();
    const broker = await startBroker(directory, port);
    const database = await TestDatabase.create(stack.databaseUrl);
    const servers = new TlsServers(directory, stack, broker, port, database);
    await database.rows('ALTER SYSTEM SET ssl = on');
    await servers.show(certificate);
    return servers;
  }

  /** As the program is given it. */
  get databaseUrl(): string {
    const url = new URL(this.database.url);
    url.hostname = HOST;
    url.searchParams.set('sslmode', 'verify-full');
    return url.toString();
  }

  get rabbitmqUrl(): string {
    return `amqps://${USER}:${BROKER_PASSWORD}@${HOST}:${this.brokerPort}`;
  }

  get passwords(): string[] {
    return [BROKER_PASSWORD, new URL(this.databaseUrl).password];
  }

  /** Who connects from here on is shown this one. */
  async show(certificate: ServerCertificate): Promise<void> {
    writeCertificate(this.directory, certificate);
    writeCertificate(join(this.stack.dataDir, 'postgres', 'data'), certificate);
    await rabbitmqctl(this.broker, 'eval', 'ssl:clear_pem_cache().');
    await this.database.rows('SELECT pg_reload_conf()');
    const { fingerprint256 } = new X509Certificate(certificate.certificate);
    await eventually(async () => expect(await this.shown()).toBe(fingerprint256));
  }

  /** Whether each of the program's connections is encrypted. */
  async encrypted(): Promise<{ database: boolean[]; broker: boolean[] }> {
    const rows = await this.database.rows<{ ssl: boolean }>(
      `SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
       WHERE application_name = 'messaging'`,
    );
    const connections = await manage<{ ssl: boolean }[]>(this.broker, 'GET', '/connections');
    return { database: rows.map(({ ssl }) => ssl), broker: connections.map(({ ssl }) => ssl) };
  }

  async stop(): Promise<void> {
    await this.database.drop();
    await Promise.all([this.stack.stop(), this.broker.stop()]);
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** What PostgreSQL shows now: it reads its files a moment after it was told to. */
  private async shown(): Promise<string | undefined> {
    const ssl = { rejectUnauthorized: false };
    const client = new Client({ connectionString: this.database.url, ssl });
    await client.connect();
    const certificate = (client.connection.stream as TLSSocket).getPeerX509Certificate();
    await client.end();
    return certificate?.fingerprint256;
  }
}

/** The key is for the server alone, which runs as the owner of the folder. */
function writeCertificate(directory: string, { certificate, key }: ServerCertificate): void {
  const { uid, gid } = statSync(directory);
  writeFileSync(join(directory, 'server.crt'), certificate);
  const file = join(directory, 'server.key');
  writeFileSync(file, key, { mode: 0o600 });
  chownSync(file, uid, gid);
}

async function startBroker(directory: string, port: number): Promise<RabbitmqServer> {
  const settings = {
    'listeners.ssl.1': `127.0.0.1:${port}`,
    'ssl_options.certfile': join(directory, 'server.crt'),
    'ssl_options.keyfile': join(directory, 'server.key'),
    'ssl_options.verify': 'verify_none',
  };
  const dataDir = join(directory, 'broker');
  const broker = await RabbitmqServer.start({ dataDir, settings, log: () => undefined });
  await manage(broker, 'PUT', `/users/${USER}`, { password: BROKER_PASSWORD, tags: '' });
  const all = { configure: '.*', write: '.*', read: '.*' };
  await manage(broker, 'PUT', `/permissions/%2F/${USER}`, all);
  return broker;
}

async function manage<Body>(
  { managementUrl }: RabbitmqServer,
  method: string,
  path: string,
  body?: object,
): Promise<Body> {
  const authorization = `Basic ${Buffer.from('guest:guest').toString('base64')}`;
  const response = await fetch(`${managementUrl}/api${path}`, {
    method,
    headers: { authorization, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  expect([path, response.ok]).toEqual([path, true]);
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as Body;
}
