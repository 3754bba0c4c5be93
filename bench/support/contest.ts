import { median } from './figures';

export interface Contender {
  readonly name: string;
  /** Measures once. */
  readonly measure: () => Promise<number>;
}

const ROUNDS = 3;

/**
 * The contenders in turns, so that whatever the machine does meanwhile meets all of them.
 *
 * @returns the median of each, in their order
 */
export async function inTurns(
  contenders: readonly Contender[],
  rounds = ROUNDS,
): Promise<number[]> {
  const figures = contenders.map(() => [] as number[]);
  for (let round = 0; round < rounds; round++) {
    for (const [index, { name, measure }] of contenders.entries()) {
      const figure = await measure();
      process.stdout.write(`  ${name}: ${figure.toFixed(2)}\n`);
      figures[index]?.push(figure);
    }
  }
  return figures.map(median);
}
