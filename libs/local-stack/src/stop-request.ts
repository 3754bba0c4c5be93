// One Ctrl-C arrives several times: from the terminal, and passed on by npm and the bootstrap.
const sameRequestMs = 1_000;

/**
 * Resolves when this process is asked to stop: by a signal, or because nobody reads what it says
 * any more. A later, second Ctrl-C calls `onSecond`.
 */
export function stopRequested(onSecond: () => void): Promise<void> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const asked = (signal?: NodeJS.Signals): void => {
      const now = performance.now();
      firstAt ??= now;
      if (signal === 'SIGINT' && now - firstAt > sameRequestMs) onSecond();
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, asked);
    process.stdout.on('error', () => asked());
    process.stderr.on('error', () => asked());
  });
}
