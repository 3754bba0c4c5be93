import type { Answer } from './api';

/** A call, and how long it took from its start to the whole answer. */
export async function timed<Body>(
  call: Promise<Answer<Body>>,
): Promise<Answer<Body> & { tookMs: number }> {
  const began = performance.now();
  const answer = await call;
  return { ...answer, tookMs: performance.now() - began };
}
