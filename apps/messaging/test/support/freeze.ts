import { execFileSync } from 'node:child_process';

/**
 * Stops a process and its children where they are: alive, and silent. PostgreSQL serves each
 * connection in a child, which would go on answering when its parent is stopped.
 */
export function freezeAll(pid: number): void {
  signalAll(pid, 'SIGSTOP');
}

export function resumeAll(pid: number): void {
  signalAll(pid, 'SIGCONT');
}

/** The parent first, so that no child is born meanwhile; one that ends meanwhile is no matter. */
function signalAll(pid: number, signal: NodeJS.Signals): void {
  process.kill(pid, signal);
  for (const child of childrenOf(pid)) {
    try {
      process.kill(child, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

function childrenOf(pid: number): number[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  const rows = table.trim().split('\n');
  const pairs = rows.map((row) => row.trim().split(/\s+/).map(Number));
  return pairs.flatMap(([child, parent]) => (parent === pid ? [child as number] : []));
}
