import { median } from './figures';

export interface Contender {
  readonly name: string;
  /** Measures once. */
  readonly measure: () => Promise<number>;
}

const ROUNDS = 3;

/**
 * The contenders in turns, the other way round each time, so that whatever the machine does meanwhile meets
 * all of them: one that gets slower and slower too.
 *
 * @returns the median of each, in their order
 */
export async function inTurns(
  contenders: readonly Contender[],
  rounds = ROUNDS,
): Promise<number[]> {
  const figures = contenders.map(() => [] as number[]);
  for (let round = 0; round < rounds; round++) {
    const order = [...contenders.entries()];
    if (round % 2 === 1) order.reverse();
    for (const [index, { name, measure }] of order) {
      const figure = await measure();
      process.stdout.write(`  ${name}: ${figure.toFixed(2)}\n`);
      figures[index]?.push(figure);
    }
  }
  return figures.map(median);
}
