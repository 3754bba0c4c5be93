import { cpus, totalmem } from 'node:os';

export const median = (values: readonly number[]): number => percentile(values, 50);

/** The smallest value that at least `percent` of the values do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const index = Math.ceil((sorted.length * percent) / 100) - 1;
  return sorted[Math.max(0, index)] ?? NaN;
}

/** The machine and the versions that figures belong to. */
export function machineLine(postgres: string, rabbitmq: string): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const machine = `${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}, ${memory} GiB`;
  return `${machine}; Node ${process.version}; PostgreSQL ${postgres}; RabbitMQ ${rabbitmq}`;
}

export type Row = readonly string[];

export const COMPARISON = [
  'what',
  'the service',
  'against',
  'its figure',
  'ratio',
  'wanted',
  'holds',
];

export type Limit = { readonly atLeast: number } | { readonly atMost: number };

export interface Comparison {
  readonly what: string;
  readonly ours: number;
  readonly against: string;
  readonly theirs: number;
  readonly unit: (value: number) => string;
  /** For the ratio of ours to theirs; none: the figures are only reported. */
  readonly wanted?: Limit;
}

/** A row of the table that a run ends in. */
export function comparison({ what, ours, against, theirs, unit, wanted }: Comparison): Row {
  const ratio = ours / theirs;
  const figures = [what, unit(ours), against, unit(theirs), ratio.toFixed(2)];
  return [...figures, ...verdict(ratio, wanted, String)];
}

/** A figure with a limit of its own. */
export const required = (
  what: string,
  figure: number,
  unit: (value: number) => string,
  wanted: Limit,
): Row => [what, unit(figure), '–', '–', '–', ...verdict(figure, wanted, unit)];

/** A figure without one. */
export const reported = (what: string, figure: string): Row => {
  return [what, figure, '–', '–', '–', 'reported', '–'];
};

function verdict(value: number, wanted: Limit | undefined, unit: (value: number) => string): Row {
  if (!wanted) return ['reported', '–'];
  if ('atLeast' in wanted) return [`≥ ${unit(wanted.atLeast)}`, yesOrNo(value >= wanted.atLeast)];
  return [`≤ ${unit(wanted.atMost)}`, yesOrNo(value <= wanted.atMost)];
}

export const yesOrNo = (holds: boolean): string => (holds ? 'yes' : '**no**');

export function table(head: Row, rows: readonly Row[]): string {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: Row): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = line(widths.map((width) => '-'.repeat(width)));
  return [line(head), rule, ...rows.map(line)].join('\n');
}

export const today = (): string => new Date().toISOString().slice(0, 10);

export const perSecond = (value: number): string => `${Math.round(value).toLocaleString('en')}/s`;
export const milliseconds = (value: number): string => `${value.toFixed(1)} ms`;
export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
export const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
