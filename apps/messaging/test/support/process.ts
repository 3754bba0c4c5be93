import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const isLinux = process.platform === 'linux';

/** The environment that a process was started with: for the tools that are to talk to it. */
export function environmentOf(pid: number): Record<string, string> {
  const entries = isLinux
    ? readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
    : ps('command=', pid).split(' ');
  const pairs = entries.filter((entry) => entry.includes('='));
  return Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}

const ps = (format: string, pid: number): string =>
  execFileSync('ps', ['eww', '-o', format, '-p', String(pid)], { encoding: 'utf8' }).trim();
