const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

const exit = (): void => process.exit(0);

/**
 * Until the program stops by itself, a signal just ends it: there is nothing to stop yet. As process 1 of a
 * container it would not even hear of one that it has no listener for, come up, and be killed in the end.
 */
for (const signal of SIGNALS) process.on(signal, exit);

/** From now on, whoever listens sees to them. */
export function handOverSignals(): void {
  for (const signal of SIGNALS) process.off(signal, exit);
}
