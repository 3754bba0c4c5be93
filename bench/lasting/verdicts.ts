import { megabytes, median, reported, required, type Row } from '../support/figures';
import type { Sample } from './sample';

/** The program has fewer by name; one that leaked would have thousands. */
const STATEMENTS = 20;

/** Flat: the trend over the whole run makes less than a tenth of what there is, or 10 MB. */
export function verdicts(
  samples: readonly Sample[],
  statements: number,
  complaints: string,
  underWay: number,
): Row[] {
  const of = (key: keyof Sample): number[] => samples.map((each) => each[key]);
  const memory = median(of('memoryBytes'));
  const grown = growthOf(of('at'), of('memoryBytes'));
  const growing = (what: string, key: keyof Sample, atMost = 0): Row =>
    required(`${what}: how the fewest of a third grew`, floorGrowthOf(of(key)), String, { atMost });
  return [
    reported('memory of the process, median', megabytes(memory)),
    required('its growth, by linear regression', grown, megabytes, {
      atMost: Math.max(10e6, memory / 10),
    }),
    required(
      'messages that wait, median of the last minute',
      median(of('queued').slice(-12)),
      String,
      {
        atMost: Math.max(2 * median(of('queued').slice(0, 12)), underWay),
      },
    ),
    growing('channels', 'channels'),
    growing('connections to the broker', 'brokerConnections'),
    // The pool opens them as they are needed, and closes those that idle.
    growing('connections to the database', 'databaseConnections', 1),
    required('prepared statements, the most of a connection', statements, String, {
      atMost: STATEMENTS,
    }),
    required('warnings of too many listeners', listenerWarnings(complaints), String, { atMost: 0 }),
  ];
}

const firstOf = (values: readonly number[]): number => values[0] ?? NaN;
const lastOf = (values: readonly number[]): number => values.at(-1) ?? NaN;

/** Node warns once when an emitter has more listeners than it should. */
const listenerWarnings = (complaints: string): number =>
  complaints.match(/MaxListenersExceededWarning/g)?.length ?? 0;

/** What leaks never goes below what has leaked, however much comes and goes: the last third against the first. */
function floorGrowthOf(values: readonly number[]): number {
  const third = Math.ceil(values.length / 3);
  return Math.min(...values.slice(-third)) - Math.min(...values.slice(0, third));
}

/** The slope of the least squares, times the time that passed. */
function growthOf(times: readonly number[], values: readonly number[]): number {
  const mean = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0) / all.length;
  const [time, value] = [mean(times), mean(values)];
  const together = times.reduce(
    (sum, at, index) => sum + (at - time) * ((values[index] ?? 0) - value),
    0,
  );
  const spread = times.reduce((sum, at) => sum + (at - time) ** 2, 0);
  return (together / spread) * (lastOf(times) - firstOf(times));
}
