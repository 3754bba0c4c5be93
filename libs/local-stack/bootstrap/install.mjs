import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, runChild } from './child.mjs';

/** `npm ci`, unless node_modules holds what package-lock.json asks for. */
export async function installWhenStale() {
  if (isInstalled()) return 0;
  console.error('installing the packages: npm ci');
  return npm('ci', '--include=dev');
}

function npm(...command) {
  const args = [...command, '--no-audit', '--no-fund', '--loglevel=error'];
  // Under `npm run` that very npm is used, and not whichever is first on the PATH.
  const self = process.env.npm_execpath;
  return self?.endsWith('.js')
    ? runChild(process.execPath, [self, ...args], process.stderr)
    : runChild('npm', args, process.stderr);
}

/**
 * By content and not by time: a checkout touches files, and a copied tree has times of its own.
 * npm writes its own lock file at the very end of an installation.
 */
function isInstalled() {
  try {
    const wanted = packagesIn('package-lock.json');
    const installed = packagesIn('node_modules/.package-lock.json');
    const isThere = (name) => installed[name]?.version === wanted[name].version;
    const isMeant = (name) => name in wanted;
    const needed = Object.keys(wanted).filter((name) => name !== '' && !wanted[name].optional);
    return needed.every(isThere) && Object.keys(installed).every(isMeant);
  } catch {
    return false;
  }
}

function packagesIn(file) {
  return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
}
