/** What a baseline is to consume. */
export interface Job {
  readonly databaseUrl: string;
  readonly rabbitmqUrl: string;
  readonly tenantIds: readonly string[];
  readonly workers: number;
}

/** In a baseline's process: the job that {@link jobVariables} passed on. */
export const job = (): Job => JSON.parse(process.env['BENCH_JOB'] ?? '{}') as Job;

export const jobVariables = (job: Job): Record<string, string> => ({
  BENCH_JOB: JSON.stringify(job),
});
