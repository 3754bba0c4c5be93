import 'reflect-metadata';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidEnvironment, loadEnvironment } from './load-environment';

const enough = {
  DATABASE_URL: 'postgres://localhost/messaging',
  RABBITMQ_URL: 'amqp://localhost',
  AUTH_MODE: 'off',
};

function problemsOf(variables: Record<string, string>): readonly string[] {
  try {
    loadEnvironment(variables, '/nowhere');
  } catch (error) {
    if (error instanceof InvalidEnvironment) return error.problems;
    throw error;
  }
  return [];
}

describe('loadEnvironment', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'environment-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('fills in the defaults and types what came', () => {
    const environment = loadEnvironment({ ...enough, PORT: '8080', LOG_PRETTY: 'true' }, folder);
    expect(environment).toMatchObject({
      HOST: '127.0.0.1',
      PORT: 8080,
      ROLES: ['api', 'consumer'],
      DEFAULT_WORKERS: 3,
      LOG_PRETTY: true,
      MIGRATE_ON_START: false,
    });
  });

  it('takes several broker nodes', () => {
    const { RABBITMQ_URL } = loadEnvironment(
      { ...enough, RABBITMQ_URL: 'amqp://a, amqp://b' },
      folder,
    );
    expect(RABBITMQ_URL).toEqual(['amqp://a', 'amqp://b']);
  });

  it('lets the environment win over .env', () => {
    writeFileSync(join(folder, '.env'), 'PORT=4000\nDEFAULT_WORKERS=7\n');
    const environment = loadEnvironment({ ...enough, PORT: '5000' }, folder);
    expect(environment).toMatchObject({ PORT: 5000, DEFAULT_WORKERS: 7 });
  });

  it('reports all problems together, by name', () => {
    const problems = problemsOf({
      PORT: 'x',
      ROLES: 'api,cook',
      LOG_LEVEL: 'loud',
      AUTH_MODE: 'off',
    });
    expect(problems.map((line) => line.split(':')[0])).toEqual(
      expect.arrayContaining(['PORT', 'ROLES', 'LOG_LEVEL', 'DATABASE_URL', 'RABBITMQ_URL']),
    );
  });

  it.each([
    ['RABBITMQ_URL', 'amqp://app:s3cr#t@rabbit:5672'],
    ['RABBITMQ_URL', 'amqp://app:s3cr/t@rabbit:5672'],
    ['RABBITMQ_URL', 'amqp://rabbit,http://rabbit'],
    ['DATABASE_URL', 'postgres://app:50%off@host/db'],
    ['DATABASE_URL', 'postgres://app:s3c#ret@host/db'],
    ['DATABASE_URL', 'mysql://somewhere/else'],
    ['JWT_JWKS_URL', 'https://a b/keys'],
  ])('refuses a URL that nobody can take apart, and does not repeat it: %s', (name, url) => {
    const problems = problemsOf({ ...enough, [name]: url });
    expect(problems).toEqual([expect.stringMatching(new RegExp(`^${name}: must be set to a URL`))]);
    expect(problems.join()).not.toContain(url);
  });

  it.each([
    'postgres://u:p%23%2F%3F%25@host:5432/db?sslmode=require',
    'postgresql:///db?host=/var/run/postgresql',
  ])('takes %s', (DATABASE_URL) => {
    expect(problemsOf({ ...enough, DATABASE_URL })).toEqual([]);
  });

  it('checks tokens by default, with a secret of 32 bytes or a key server', () => {
    const secret = 's'.repeat(32);
    const JWT_JWKS_URL = 'https://idp.example/jwks';
    const refusal = [expect.stringMatching(/^JWT_SECRET: /)];
    expect(problemsOf({ ...enough, AUTH_MODE: '' })).toEqual(refusal);
    expect(problemsOf({ ...enough, AUTH_MODE: '', JWT_SECRET: 's'.repeat(31) })).toEqual(refusal);
    expect(problemsOf({ ...enough, AUTH_MODE: '', JWT_SECRET: secret })).toEqual([]);
    expect(problemsOf({ ...enough, AUTH_MODE: '', JWT_JWKS_URL })).toEqual([]);
    expect(problemsOf({ ...enough, AUTH_MODE: '', JWT_JWKS_URL: 'ftp://x' })).toEqual([
      expect.stringMatching(/^JWT_JWKS_URL: /),
    ]);
  });

  it('refuses to serve without authentication beyond loopback, unless told to', () => {
    expect(problemsOf({ ...enough, HOST: '0.0.0.0' })).toHaveLength(1);
    expect(problemsOf({ ...enough, HOST: '0.0.0.0', AUTH_OFF_ANYWHERE: 'true' })).toEqual([]);
    expect(problemsOf({ ...enough, HOST: '127.0.0.1.example.org' })).toHaveLength(1);
  });

  it('refuses a default that is greater than the most', () => {
    expect(problemsOf({ ...enough, DEFAULT_WORKERS: '9', MAX_WORKERS: '8' })).toHaveLength(1);
  });
});
