import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page, ProblemBody } from './support/api';
import { endBackendsOfKilled } from './support/backends';
import { Authority } from './support/certificates';
import { eventually } from './support/eventually';
import { expectProblem } from './support/problem';
import { Program, type ProgramOptions } from './support/program';
import { HOST, TlsServers } from './support/tls-servers';

/** As Node.js words it: https://nodejs.org/docs/latest-v20.x/api/tls.html#x509-certificate-error-codes */
const STRANGE = 'unable to verify the first certificate';
const OTHER_NAME = `Host: ${HOST}. is not in the cert's altnames: DNS:elsewhere.test`;

describe('TLS to both servers', () => {
  const directory = mkdtempSync(join(tmpdir(), 'messaging-test-authorities-'));
  const [ours, strangers] = [new Authority('Ours'), new Authority('Strangers')];
  const right = ours.issue(HOST);
  let servers: TlsServers;
  let program: Program;
  let tenantId: string;

  beforeAll(async () => {
    servers = await TlsServers.start(right);
    program = await start(ours);
    tenantId = await program.api.createTenant();
  });

  afterAll(async () => {
    await Program.killAll();
    await servers.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  function fileOf({ certificate }: Authority): string {
    const file = join(mkdtempSync(join(directory, 'authority-')), 'ca.pem');
    writeFileSync(file, certificate);
    return file;
  }

  /** A program that trusts an authority, beside those that Node.js knows. */
  const start = (trusted: Authority, options: Partial<ProgramOptions> = {}): Promise<Program> =>
    Program.start({
      databaseUrl: servers.databaseUrl,
      rabbitmqUrl: servers.rabbitmqUrl,
      env: { NODE_EXTRA_CA_CERTS: fileOf(trusted) },
      ...options,
    });

  /** Not ready on account of both servers, and a log that says why, and no password. */
  async function expectRefusal({ api, output }: Program, reason: string): Promise<void> {
    const lines = output.split('\n').filter((line) => line.includes(reason));
    for (const server of ['The database is not', 'The broker is not'])
      expect(lines.filter((line) => line.includes(server))).not.toEqual([]);
    const { body, status } = await api.get<ProblemBody>('/health/ready');
    const down = { status: 'down' };
    expect([status, body.checks]).toMatchObject([503, { database: down, broker: down }]);
    for (const password of servers.passwords) expect(output).not.toContain(password);
  }

  const refused = (by: Program, reason: string): Promise<void> =>
    eventually(() => expectRefusal(by, reason));

  const payloads = async ({ api }: Program): Promise<unknown[]> =>
    (await api.messages(tenantId)).data.map(({ payload }) => payload);

  it('carries a message in and back out, and nothing goes beside it', async () => {
    await program.api.send(tenantId, 'over TLS');
    await eventually(async () => expect(await payloads(program)).toEqual(['over TLS']));
    await eventually(async () => {
      const { database, broker } = await servers.encrypted();
      expect(database.length).toBeGreaterThan(0);
      expect(broker.length).toBeGreaterThan(1);
      expect([...database, ...broker].filter((encrypted) => !encrypted)).toEqual([]);
    });
  });

  it('takes an authority for PostgreSQL alone from the URL', async () => {
    const databaseUrl = `${servers.databaseUrl}&sslrootcert=${fileOf(ours)}`;
    const other = await start(strangers, { databaseUrl, until: 'live' });
    await eventually(async () => {
      const { body } = await other.api.get<ProblemBody>('/health/ready');
      const checks = { database: { status: 'up' }, broker: { status: 'down' } };
      expect(body.checks).toMatchObject(checks);
    });
    await other.kill();
  });

  it('refuses certificates of an authority that nobody named', async () => {
    const other = await start(strangers, { until: 'live' });
    await refused(other, STRANGE);
    await other.kill();
  });

  it('refuses certificates for another host, and goes on when the right ones are back', async () => {
    await servers.show(ours.issue('elsewhere.test'));
    const other = await start(ours, { until: 'live' });
    await refused(other, OTHER_NAME);
    await servers.show(right);
    await eventually(async () => expect(await other.api.status('/health/ready')).toBe(200));
    expect(await payloads(other)).toEqual(['over TLS']);
    await other.kill();
  });

  it('costs no message when a certificate goes bad while it serves', async () => {
    await servers.show(strangers.issue(HOST));
    await endBackendsOfKilled(servers.database);
    const id = await program.api.send(tenantId, 'meanwhile');
    const read = await program.api.get(`/api/tenants/${tenantId}/messages`);
    expect(expectProblem(read, 503).type).toBe('urn:messaging:problem:database-unavailable');
    await eventually(() =>
      expect(program.output).toContain(`Not stored yet, trying again: ${STRANGE}`),
    );
    await servers.show(right);
    await eventually(async () => {
      expect((await program.api.messages(tenantId)).data.map((message) => message.id)).toContain(
        id,
      );
    });
    const dead = await program.api.get<Page<unknown>>(`/api/tenants/${tenantId}/dead-letters`);
    expect(dead.body.data).toEqual([]);
  });
});
