/** Starts something; what has begun when that fails is stopped before the error goes on. */
export async function startOrStop<T extends { stop(): Promise<void> }>(
  what: T,
  start: () => Promise<void>,
): Promise<T> {
  try {
    await start();
    return what;
  } catch (error) {
    await what.stop();
    throw error;
  }
}
