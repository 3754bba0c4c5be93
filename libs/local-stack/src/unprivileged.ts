import { spawnSync } from 'node:child_process';
import { chownSync, readFileSync, statSync } from 'node:fs';

interface User {
  readonly uid: number;
  readonly gid: number;
}

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

/** As root one cannot give a server to a user who reaches its files. */
export class CannotDropRoot extends Error {
  override readonly name = 'CannotDropRoot';
  constructor(reason: string) {
    super(
      `PostgreSQL refuses to run as root, and ${reason}. ` +
        'Run as an ordinary user, or set DATABASE_URL to a PostgreSQL of yours.',
    );
  }
}

/**
 * Starts programs that refuse to run as root: as root under a user of lesser rights, otherwise
 * as they are.
 */
export class Unprivileged {
  /**
   * @param directory where the programs keep their data; given to the user
   * @param executable one of them
   * @throws CannotDropRoot
   */
  static for(directory: string, executable: string): Unprivileged {
    if (process.getuid?.() !== 0) return new Unprivileged(undefined, false);
    const user = ownerUnlessRoot(directory) ?? findUser('postgres') ?? findUser('nobody');
    if (!user) throw new CannotDropRoot('there is neither a user "postgres" nor "nobody"');
    chownSync(directory, user.uid, user.gid);
    return new Unprivileged(user, !reaches(user, directory, executable));
  }

  private constructor(
    private readonly user: User | undefined,
    private readonly needsReach: boolean,
  ) {
    if (needsReach && spawnSync('setpriv', ['--version']).error) {
      throw new CannotDropRoot(
        'its files lie below a folder that only root may enter, which takes the program setpriv (util-linux)',
      );
    }
  }

  launch(command: string, args: readonly string[]): Launch {
    if (!this.user) return { command, args };
    if (!this.needsReach) return { command, args, ...this.user };
    return { command: 'setpriv', args: [...setprivOptions(this.user), command, ...args] };
  }

  /** Gives a file to the user under whom the programs run. */
  own(file: string): void {
    if (this.user) chownSync(file, this.user.uid, this.user.gid);
  }
}

/** The user's rights, and of root's only the one to pass closed folders (capabilities(7)). */
function setprivOptions({ uid, gid }: User): string[] {
  const passFolders = '+dac_override';
  return [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    `--inh-caps=${passFolders}`,
    `--ambient-caps=${passFolders}`,
    // Otherwise access(2), by which PostgreSQL checks its files, disregards capabilities.
    '--securebits=+no_setuid_fixup',
    '--',
  ];
}

/** Data that an ordinary user made stays with that user. */
function ownerUnlessRoot(directory: string): User | undefined {
  const { uid, gid } = statSync(directory);
  return uid === 0 ? undefined : { uid, gid };
}

function findUser(name: string): User | undefined {
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[0] === name);
  return entry && { uid: Number(entry[2]), gid: Number(entry[3]) };
}

function reaches(user: User, directory: string, executable: string): boolean {
  const test = 'test -w "$0" && test -x "$1"';
  return (
    spawnSync('/bin/sh', ['-c', test, directory, executable], { ...user, cwd: '/' }).status === 0
  );
}
