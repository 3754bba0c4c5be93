import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from './find-program';
import { repositoryRoot } from './repository-root';

const keys = '/usr/share/keyrings/debian-archive-keyring.gpg';
const release = 'trixie';

/** A program that tests need is not there, and could not be fetched. */
export class ProgramNotFound extends Error {
  override readonly name = 'ProgramNotFound';
  constructor(
    readonly program: string,
    reason: string,
  ) {
    super(
      `No usable ${program} on the PATH: install a current one, or run this on Debian, where it ` +
        `is fetched without being installed (${reason})`,
    );
  }
}

// A configuration of apt's own: no root, nothing installed, no service started, and the same
// release whatever this machine runs (Debian 12's kubectl renders kustomizations of 2019 only).
const script = `
cd "$1" && shift || exit
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep '/debian/*$' | head -n 1)
[ -n "$mirror" ] || { echo 'apt knows no mirror of Debian' >&2; exit 1; }
mkdir -p lists/partial cache/archives/partial root && : > status
echo "deb [signed-by=${keys}] $mirror ${release} main" > sources.list
cat > apt.conf <<END
Dir::Etc::sourcelist "$PWD/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$PWD/lists";
Dir::State::status "$PWD/status";
Dir::Cache "$PWD/cache";
APT::Sandbox::User "";
END
export APT_CONFIG="$PWD/apt.conf"
apt-get update && apt-get download "$@" || exit
for package in *.deb; do dpkg -x "$package" root || exit; done
rm -rf lists cache *.deb
`;

/**
 * A program of Debian's by its file, from where it was unpacked earlier or fetched now (some 10 s).
 * @throws ProgramNotFound
 */
export async function debianProgram(
  program: string,
  packages: readonly string[],
  log: (line: string) => void,
): Promise<string> {
  const folder = join(repositoryRoot, 'node_modules/.cache/debian', release, packages.join('+'));
  const file = join(folder, 'root/usr/bin', program);
  if (!existsSync(file)) await unpack(program, packages, folder, log);
  return file;
}

async function unpack(
  program: string,
  packages: readonly string[],
  folder: string,
  log: (line: string) => void,
): Promise<void> {
  if (!existsSync(keys) || !findProgram('apt-get'))
    throw new ProgramNotFound(program, 'this is no Debian');
  log(`fetching ${program} once: Debian's package ${packages.join(', ')}`);
  const half = `${folder}.${process.pid}`;
  try {
    await mkdir(half, { recursive: true });
    await promisify(execFile)('/bin/sh', ['-c', script, 'unpack', half, ...packages]);
    await rename(half, folder);
  } catch (error) {
    throw new ProgramNotFound(program, error instanceof Error ? error.message : String(error));
  } finally {
    await rm(half, { recursive: true, force: true });
  }
}
