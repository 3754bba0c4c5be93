import type { OwnedProcess } from './owned-process';
import { ServerDied, ServerNotReady } from './server-errors';
import { waitUntil, type WaitOptions } from './wait-until';

/**
 * Waits until a server answers.
 * @throws ServerDied, ServerNotReady, each with the end of the server's log
 */
export async function untilReady(
  name: string,
  server: OwnedProcess,
  answers: () => Promise<boolean>,
  options: WaitOptions,
): Promise<void> {
  const answersOrDied = async (): Promise<boolean> => (await answers()) || !server.isRunning;
  const inTime = await waitUntil(answersOrDied, options);
  if (!server.isRunning) throw new ServerDied(name, await server.exited, server.logTail());
  if (!inTime) throw new ServerNotReady(name, options.withinMs, server.logTail());
}
