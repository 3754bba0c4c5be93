import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { canInstallRabbitmq, installRabbitmq } from './apt-install';
import { findProgram } from './find-program';

/** Where a private RabbitMQ comes from. */
export type RabbitmqSource = 'installed' | 'docker';

/** There is no RabbitMQ, and no way to get one by ourselves. */
export class RabbitmqNotFound extends Error {
  override readonly name = 'RabbitmqNotFound';
  constructor() {
    super(
      'No RabbitMQ. One of these three gives one, or set RABBITMQ_URL to a RabbitMQ of yours:\n' +
        '  1. install it: "apt-get install rabbitmq-server" or "brew install rabbitmq"\n' +
        '  2. start a Docker engine that this user may use ("docker info" must answer)\n' +
        '  3. on Debian or Ubuntu, run this once as root: it then installs the package itself',
    );
  }
}

// The programs behind Debian's entry on the PATH, a wrapper that runs as root and rabbitmq only
// and lowers the limit of open files; and Homebrew's, whose folder is not on the PATH.
const knownPlaces = [
  '/usr/lib/rabbitmq/bin/rabbitmq-server',
  '/opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server',
  '/usr/local/opt/rabbitmq/sbin/rabbitmq-server',
];

/** The program of an installed RabbitMQ. */
export function installedRabbitmq(): string | undefined {
  return findProgram('rabbitmq-server', knownPlaces);
}

/**
 * The first that there is of: an installed server, a Docker engine, the distribution's package,
 * which is then installed.
 * @throws RabbitmqNotFound, AptInstallFailed
 */
export async function findRabbitmq(log: (line: string) => void): Promise<RabbitmqSource> {
  if (installedRabbitmq()) return 'installed';
  if (await dockerAnswers()) return 'docker';
  if (!canInstallRabbitmq()) throw new RabbitmqNotFound();
  await installRabbitmq(log);
  return 'installed';
}

async function dockerAnswers(): Promise<boolean> {
  try {
    await promisify(execFile)('docker', ['info'], { timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}
