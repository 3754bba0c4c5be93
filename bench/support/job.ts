/** In a process of a benchmark's: what {@link jobVariables} passed on to it. */
export const job = (): unknown => JSON.parse(process.env['BENCH_JOB'] ?? '{}');

export const jobVariables = (job: object): Record<string, string> => ({
  BENCH_JOB: JSON.stringify(job),
});

/** Hands the result to the benchmark, which waits for it. */
export const report = (result: object): void => void process.send?.(result);

/** Starts consuming; returns how to end it. */
export type Begin = () => Promise<() => Promise<void>>;

/**
 * Consumes from each `begin` that it is told to the next `end`, and reports when either is done: like the
 * service, a baseline has started, connected and warmed up by then.
 */
export function consumeWhenTold(begin: Begin): void {
  let end: Awaited<ReturnType<Begin>> | undefined;
  const follow = async (word: unknown): Promise<void> => {
    if (word === 'begin') end = await begin();
    else await end?.();
    report({ done: word });
  };
  process.on('message', (word) => void follow(word));
}

/** What a baseline that consumes is to consume. */
export interface ConsumingJob {
  readonly databaseUrl: string;
  readonly rabbitmqUrl: string;
  readonly tenantIds: readonly string[];
  readonly workers: number;
}
