import type { ChaosReport, Suffered } from './chaos-run';

/** The table that a run ends with. */
export function reportOf(report: ChaosReport): string {
  const { seed, accepted, refused, stored, lost, twice, deadLetters, suffered } = report;
  const totals = [
    `seed ${seed}: ${suffered.length} faults`,
    `accepted ${accepted}, refused ${refused}, stored ${stored}`,
    `lost ${lost.length}, twice ${twice}, in dead letters ${deadLetters}`,
  ];
  const rows = [...new Set(suffered.map(({ kind }) => kind))].sort().map((kind) => {
    const all = suffered.filter((one) => one.kind === kind);
    return `| ${kind.padEnd(28)} | ${cell(all.length)} | ${slowest(all, 'publishingMs')} | ${slowest(all, 'storingMs')} |`;
  });
  const head = `| fault                        | times    | slowest 202 | slowest stored |`;
  const rule = `|------------------------------|----------|-------------|----------------|`;
  return ['', ...totals, '', head, rule, ...rows, ''].join('\n');
}

const cell = (count: number): string => String(count).padEnd(8);

function slowest(all: readonly Suffered[], which: 'publishingMs' | 'storingMs'): string {
  const worst = Math.max(...all.map((one) => one[which]));
  const width = which === 'publishingMs' ? 11 : 14;
  return `${(worst / 1_000).toFixed(1)} s`.padEnd(width);
}
