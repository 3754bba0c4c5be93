import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { Environment } from './environment';
import { openTelemetryProblems } from './open-telemetry';

/** All that is wrong with the environment, a line each, so that one look mends everything. */
export class InvalidEnvironment extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The environment is not usable:\n${problems.map((line) => `  ${line}`).join('\n')}`);
    this.name = 'InvalidEnvironment';
  }
}

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Reads, types and checks the environment; `.env` in `folder` fills in what `variables` lacks.
 *
 * @throws InvalidEnvironment naming every variable that is missing or wrong
 */
export function loadEnvironment(variables: Variables, folder: string): Environment {
  const all = { ...dotEnv(folder), ...variables };
  const environment = plainToInstance(Environment, present(all));
  const problems = [
    ...fieldProblems(environment),
    ...ruleProblems(environment),
    ...openTelemetryProblems(all),
  ];
  if (problems.length > 0) throw new InvalidEnvironment(problems);
  return environment;
}

/** The `OTEL_…` variables, from the environment and `.env` alike; what they mean is OpenTelemetry's. */
export function openTelemetryVariables(variables: Variables, folder: string): Variables {
  const all = Object.entries({ ...dotEnv(folder), ...variables });
  return Object.fromEntries(all.filter(([name]) => name.startsWith('OTEL_')));
}

function dotEnv(folder: string): Variables {
  const path = join(folder, '.env');
  return existsSync(path) ? parseEnv(readFileSync(path, 'utf8')) : {};
}

const WITHOUT_DEFAULT = [
  'DATABASE_URL',
  'RABBITMQ_URL',
  'JWT_SECRET',
  'JWT_JWKS_URL',
  'JWT_ISSUER',
  'JWT_AUDIENCE',
  'METRICS_TOKEN',
];

/** Only the variables that we know; `NAME=` counts as not set, which is how shells unset in files. */
function present(variables: Variables): Record<string, string> {
  const known = new Set(Object.keys(new Environment()).concat(WITHOUT_DEFAULT));
  const set = Object.entries(variables).filter(
    (entry): entry is [string, string] => known.has(entry[0]) && !!entry[1],
  );
  return Object.fromEntries(set);
}

function fieldProblems(environment: Environment): string[] {
  return validateSync(environment).map(({ property, constraints }) => {
    const reasons = Object.values(constraints ?? {}).map((text) =>
      text.replace(`${property} `, ''),
    );
    return `${property}: ${reasons.join('; ')}`;
  });
}

/** RFC 7518, 3.2: a key for HS256 has at least as many bits as its hash. */
const isTooShort = (secret: string): boolean => Buffer.byteLength(secret) < 32;
const TOO_SHORT = 'JWT_SECRET: must be at least 32 bytes';

export type TokenSettings = Pick<Environment, 'JWT_ISSUER' | 'JWT_AUDIENCE'> & {
  readonly JWT_SECRET: string;
};

/**
 * What tokens are signed with, for a tool that needs neither database nor broker.
 *
 * @throws InvalidEnvironment
 */
export function loadTokenSettings(variables: Variables, folder: string): TokenSettings {
  const { JWT_SECRET = '', ...others } = present({ ...dotEnv(folder), ...variables });
  if (isTooShort(JWT_SECRET)) throw new InvalidEnvironment([TOO_SHORT]);
  const { JWT_ISSUER, JWT_AUDIENCE } = others;
  return {
    JWT_SECRET,
    ...(JWT_ISSUER !== undefined && { JWT_ISSUER }),
    ...(JWT_AUDIENCE !== undefined && { JWT_AUDIENCE }),
  };
}

/** What one variable demands of another. */
function ruleProblems(environment: Environment): string[] {
  const { AUTH_MODE, JWT_SECRET, JWT_JWKS_URL, DEFAULT_WORKERS, MAX_WORKERS } = environment;
  const rules: [boolean, string][] = [
    [DEFAULT_WORKERS > MAX_WORKERS, 'DEFAULT_WORKERS: must not be greater than MAX_WORKERS'],
    [!!JWT_SECRET && isTooShort(JWT_SECRET), TOO_SHORT],
    [
      AUTH_MODE === 'jwt' && !JWT_SECRET && !JWT_JWKS_URL,
      'JWT_SECRET: must be set to at least 32 bytes for AUTH_MODE=jwt, or JWT_JWKS_URL to a key server; AUTH_MODE=off needs neither',
    ],
    [
      AUTH_MODE === 'off' && !mayServeOpenly(environment),
      'AUTH_MODE: off needs HOST to be a loopback address, or AUTH_OFF_ANYWHERE=true',
    ],
  ];
  return rules.filter(([broken]) => broken).map(([, problem]) => problem);
}

function mayServeOpenly({ HOST, AUTH_OFF_ANYWHERE }: Environment): boolean {
  return AUTH_OFF_ANYWHERE || /^(localhost|::1|127(\.\d{1,3}){3})$/.test(HOST);
}
