import type { HttpLoad, HttpResult } from '../load/http-load';
import { jobVariables } from './job';
import { MeasuredProcess } from './process';

/**
 * Puts load on a server from a process of its own.
 *
 * @throws when any call failed: what is fast since it refuses is not fast
 */
export async function httpLoad(load: HttpLoad): Promise<HttpResult> {
  const generator = MeasuredProcess.run('bench/load/http-load.js', jobVariables(load));
  const result = await generator.result<HttpResult>();
  await generator.stop();
  if (result.failed > 0) throw new Error(`${result.failed} calls of ${load.url} failed`);
  return result;
}
