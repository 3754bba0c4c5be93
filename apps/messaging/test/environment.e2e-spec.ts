import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { TestDatabase } from './support/database';
import { Program } from './support/program';

const EXAMPLE = resolve(__dirname, '../../../.env.example');

/** Every variable and its default; none where it must be set. */
const DEFAULTS = {
  HOST: '127.0.0.1',
  PORT: '3000',
  DATABASE_URL: '',
  DATABASE_POOL_SIZE: '10',
  RABBITMQ_URL: '',
  QUEUE_TYPE: 'quorum',
  ROLES: 'api,consumer',
  DEFAULT_WORKERS: '3',
  MAX_WORKERS: '1000',
  MAX_MESSAGE_BYTES: '262144',
  MAX_CONNECTIONS: '10000',
  REQUEST_TIMEOUT_MS: '60000',
  DEAD_LETTER_AFTER: '5',
  SHUTDOWN_TIMEOUT_MS: '25000',
  AUTH_MODE: 'jwt',
  AUTH_OFF_ANYWHERE: 'false',
  JWT_SECRET: '',
  JWT_JWKS_URL: '',
  JWT_ISSUER: '',
  JWT_AUDIENCE: '',
  METRICS_TOKEN: '',
  METRICS_TOP_TENANTS: '20',
  MIGRATE_ON_START: 'false',
  LOG_LEVEL: 'info',
  LOG_PRETTY: 'false',
};

/** Nobody is asked: an environment that is refused is refused before any connection. */
const SOUND = {
  DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
  RABBITMQ_URL: 'amqp://nobody@127.0.0.1:1',
  AUTH_MODE: 'off',
};

describe('the environment', () => {
  afterAll(() => Program.killAll());

  /** The lines in which a refused environment names its variables. */
  const problems = async (env: Record<string, string>): Promise<string[]> => {
    const { code, output } = await Program.refuse(env);
    expect(code).toBe(1);
    expect(output).not.toMatch(/^\s+at /m);
    return [...output.matchAll(/^\s+([A-Z_]+): .+$/gm)].map(([, name]) => String(name)).sort();
  };

  it('is refused with all that is wrong at once, by name', async () => {
    const wrong = { PORT: '99999', QUEUE_TYPE: 'fast', ROLES: 'api,cook', AUTH_MODE: 'off' };
    expect(await problems(wrong)).toEqual([
      'DATABASE_URL',
      'PORT',
      'QUEUE_TYPE',
      'RABBITMQ_URL',
      'ROLES',
    ]);
  });

  // What else each variable refuses is for the unit tests of its reader.
  it.each([
    ['JWT_JWKS_URL', 'not a URL'],
    ['JWT_SECRET', 'too short'],
    ['DEFAULT_WORKERS', '1001'],
    ['OTEL_TRACES_EXPORTER', 'zipkin'],
  ])('is refused with %s=%s, in one line', async (name, value) => {
    expect(await problems({ ...SOUND, [name]: value })).toEqual([name]);
  });

  it.each(['', 'jwt'])(
    'is refused with AUTH_MODE=%s and nothing to check a token with',
    async (mode) => {
      expect(await problems({ ...SOUND, AUTH_MODE: mode })).toEqual(['JWT_SECRET']);
    },
  );

  it('is refused without authentication on an address that others reach', async () => {
    expect(await problems({ ...SOUND, HOST: '0.0.0.0' })).toEqual(['AUTH_MODE']);
  });

  it('may say that it is meant so', async () => {
    const database = await TestDatabase.create();
    const env = {
      HOST: '0.0.0.0',
      AUTH_OFF_ANYWHERE: 'true',
      DEFAULT_WORKERS: '7',
      MAX_WORKERS: '8',
    };
    const program = await Program.start({ databaseUrl: database.url, env });
    const created = await program.api.request('POST', '/api/tenants', { name: 'by default' });
    expect(created.body).toMatchObject({ workers: 7 });
    const refused = await program.api.request('POST', '/api/tenants', { name: 'more', workers: 9 });
    expect(refused).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('8') as unknown },
    });
    expect((await program.stop()).code).toBe(0);
    await database.drop();
  });

  (existsSync(EXAMPLE) ? it : it.skip)(
    'has an example that lists every variable with its default',
    () => {
      const text = readFileSync(EXAMPLE, 'utf8');
      expect(parseEnv(text)).toEqual(DEFAULTS);
    },
  );
});
