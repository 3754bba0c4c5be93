import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { Environment } from './environment';

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
  const environment = plainToInstance(Environment, present({ ...dotEnv(folder), ...variables }));
  const problems = [...fieldProblems(environment), ...ruleProblems(environment)];
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

const WITHOUT_DEFAULT = ['DATABASE_URL', 'RABBITMQ_URL', 'JWT_SECRET', 'METRICS_TOKEN'];

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

/** What one variable demands of another. */
function ruleProblems(environment: Environment): string[] {
  const { AUTH_MODE, JWT_SECRET, DEFAULT_WORKERS, MAX_WORKERS } = environment;
  const rules: [boolean, string][] = [
    [DEFAULT_WORKERS > MAX_WORKERS, 'DEFAULT_WORKERS: must not be greater than MAX_WORKERS'],
    [!!JWT_SECRET && Buffer.byteLength(JWT_SECRET) < 32, 'JWT_SECRET: must be at least 32 bytes'],
    [
      AUTH_MODE === 'jwt',
      'AUTH_MODE: tokens (jwt, the default) are not built yet; set AUTH_MODE=off and listen on loopback',
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
