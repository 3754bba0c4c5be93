import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import './parent-watch.mjs';

export const root = fileURLToPath(new URL('../../../', import.meta.url));

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
let current;
let stoppedBy;

// A terminal's Ctrl-C reaches the child by itself, other signals do not: pass all on, and wait
// for the child's orderly end. The child takes one that comes twice for one.
for (const signal of signals) {
  process.on(signal, () => {
    stoppedBy ??= signal;
    current?.kill(signal);
  });
}

/**
 * Runs a program on our terminal, in the repository's root; resolves with its exit code. What only
 * prepares speaks on standard error: standard output is the program's, and may go into a variable.
 */
export function runChild(command, args, stdout = 'inherit') {
  if (stoppedBy) return exitCodeOf(null, stoppedBy);
  return new Promise((resolve) => {
    current = spawn(command, args, { cwd: root, stdio: ['inherit', stdout, 'inherit'] });
    current.once('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(1);
    });
    current.once('exit', (code, signal) => resolve(exitCodeOf(code, signal)));
  });
}

/** As a shell counts: 128 and the signal's number. */
function exitCodeOf(code, signal) {
  return code ?? 128 + constants.signals[signal];
}
