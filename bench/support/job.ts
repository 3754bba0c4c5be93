/** In a process of a benchmark's: what {@link jobVariables} passed on to it. */
export const job = (): unknown => JSON.parse(process.env['BENCH_JOB'] ?? '{}');

export const jobVariables = (job: object): Record<string, string> => ({
  BENCH_JOB: JSON.stringify(job),
});

/** Hands the result to the benchmark, which waits for it. */
export const report = (result: object): void => void process.send?.(result);

/** What a baseline that consumes is to consume. */
export interface ConsumingJob {
  readonly databaseUrl: string;
  readonly rabbitmqUrl: string;
  readonly tenantIds: readonly string[];
  readonly workers: number;
}
