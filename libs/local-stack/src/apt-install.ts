import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { findProgram } from './find-program';

/** The distribution's package could not be installed. */
export class AptInstallFailed extends Error {
  override readonly name = 'AptInstallFailed';
  constructor(readonly output: string) {
    super(`apt-get could not install rabbitmq-server:\n${output.trimEnd()}`);
  }
}

// Debian starts a service as its package is installed, unless this file says no (invoke-rc.d(8)).
// The shell removes it by itself: it goes on to the end when we are interrupted, since a package
// half installed is worse than one nobody waits for.
const script = `
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > "$policy" && chmod 755 "$policy"
fi
install() { apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends rabbitmq-server; }
log=$( { apt-cache show rabbitmq-server && install || { apt-get update && install; }; } 2>&1 )
code=$?
[ "$code" -eq 0 ] || printf '%s\\n' "$log" | tail -n 15
exit "$code"
`;

export function canInstallRabbitmq(): boolean {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && !!findProgram('apt-get');
}

/**
 * Installs the distribution's RabbitMQ without starting its service; takes about 20 s.
 * @throws AptInstallFailed with the end of what apt-get said
 */
export async function installRabbitmq(log: (line: string) => void): Promise<void> {
  log('installing RabbitMQ once: apt-get install rabbitmq-server');
  const child = spawn('/bin/sh', ['-c', script], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new AptInstallFailed(output);
}
