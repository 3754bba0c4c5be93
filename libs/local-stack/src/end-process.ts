import { isRunning, type ProcessIdentity } from './process-identity';
import { waitUntil } from './wait-until';

export interface EndOptions {
  /** What asks the program to stop in order. */
  stopSignal: NodeJS.Signals;
  /** How long it may take before it is killed, in milliseconds. */
  graceMs: number;
}

/**
 * Asks a process to stop, and kills it with its whole process group when it does not in time.
 * Resolves once it is gone; does nothing when it is already.
 */
export async function endProcess(process: ProcessIdentity, options: EndOptions): Promise<void> {
  if (isRunning(process)) {
    send(process.pid, options.stopSignal);
    // A frozen process would not hear of the stop.
    send(process.pid, 'SIGCONT');
    await waitUntil(() => !isRunning(process), { withinMs: options.graceMs, everyMs: 50 });
  }
  if (isRunning(process)) {
    send(-process.pid, 'SIGKILL');
    send(process.pid, 'SIGKILL');
    await waitUntil(() => !isRunning(process), { withinMs: 5_000, everyMs: 20 });
  }
}

/** Sends a signal; that the process has ended meanwhile is no error. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
