import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly rss: number;
}

/** What a process has in memory, in bytes. */
export function residentBytes(pid: number): number {
  return Number(ps(['-o', 'rss=', '-p', String(pid)]).trim()) * 1_024;
}

/**
 * What a process and those that it started use, in bytes. What they share counts once where the
 * system tells (Linux: the proportional set size); otherwise in each of them.
 */
export function treeBytes(pid: number): number {
  const all = ps(['-e', '-o', 'pid=,ppid=,rss=']).trim().split('\n').map(parse);
  return treeOf(pid, all).reduce((sum, { pid: each, rss }) => sum + (proportional(each) ?? rss), 0);
}

function parse(line: string): Process {
  const [pid = 0, parent = 0, kibibytes = 0] = line.trim().split(/\s+/).map(Number);
  return { pid, parent, rss: kibibytes * 1_024 };
}

function treeOf(pid: number, all: readonly Process[]): Process[] {
  const self = all.filter((process) => process.pid === pid);
  const children = all.filter(({ parent }) => parent === pid);
  return [...self, ...children.flatMap((child) => treeOf(child.pid, all))];
}

/** https://www.kernel.org/doc/Documentation/filesystems/proc.rst */
function proportional(pid: number): number | undefined {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const kibibytes = /^Pss:\s+(\d+)/m.exec(rollup)?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1_024;
  } catch {
    return undefined;
  }
}

const ps = (args: readonly string[]): string => execFileSync('ps', args, { encoding: 'utf8' });
