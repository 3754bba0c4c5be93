// Ends this process in order when the one that started it is gone, `kill -9` included: it would
// otherwise run on where no Ctrl-C reaches it.
import { readFileSync } from 'node:fs';

// npm runs a script through a shell, which may stay between the two.
const isUnderNpm = process.env.npm_lifecycle_event !== undefined;
const ancestors = currentAncestors();

const watch = setInterval(() => {
  if (currentAncestors() === ancestors) return;
  clearInterval(watch);
  process.kill(process.pid, 'SIGTERM');
}, 500).unref();

function currentAncestors() {
  return isUnderNpm ? `${process.ppid} ${parentOf(process.ppid)}` : String(process.ppid);
}

/** '' where there is no /proc; the shell there replaces itself by what it runs. */
function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // proc(5): after the name in brackets come the state and the parent.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
  } catch {
    return '';
  }
}
