/**
 * Waits for `work`, at most `ms` milliseconds; then rejects with `late()`. What comes of the work
 * afterwards is dropped, an error too.
 */
export async function within<Result>(
  ms: number,
  work: Promise<Result>,
  late: () => Error,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits for `work`, at most `ms` milliseconds, where nothing depends on whether it succeeds: resolves with
 * undefined when it is late or has failed.
 */
export async function atMost<Result>(
  ms: number,
  work: Promise<Result>,
): Promise<Result | undefined> {
  return within(ms, work, () => new Error('late')).catch(() => undefined);
}
