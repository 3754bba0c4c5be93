import { megabytes, median, reported, required, type Row } from '../support/figures';
import type { Sample } from './sample';

/** The program has fewer by name; one that leaked would have thousands. */
const STATEMENTS = 20;

/**
 * Nothing that leaks goes below what has leaked, however much comes and goes: memory with each full
 * collection, connections with the pool that opens and closes them, a queue with each burst that is
 * over. So what counts is the least of the last third against that of the first. Memory is flat when
 * that is less than a tenth of it, or 10 MB.
 */
export function verdicts(
  samples: readonly Sample[],
  statements: number,
  complaints: string,
  underWay: number,
): Row[] {
  const of = (key: keyof Sample): number[] => samples.map((each) => each[key]);
  const memory = median(of('memoryBytes'));
  const growing = (what: string, key: keyof Sample, atMost = 0): Row =>
    required(`${what}: growth of the fewest`, floorGrowthOf(of(key)), String, { atMost });
  return [
    reported('memory of the process, median', megabytes(memory)),
    required('its growth, of the least', floorGrowthOf(of('memoryBytes')), megabytes, {
      atMost: Math.max(10e6, memory / 10),
    }),
    reported('messages that wait, median', String(median(of('queued')))),
    growing('messages that wait', 'queued', underWay),
    growing('channels', 'channels'),
    growing('connections to the broker', 'brokerConnections'),
    growing('connections to the database', 'databaseConnections', 1),
    required('prepared statements, the most of a connection', statements, String, {
      atMost: STATEMENTS,
    }),
    required('warnings of too many listeners', listenerWarnings(complaints), String, { atMost: 0 }),
  ];
}

/** Node warns once when an emitter has more listeners than it should. */
const listenerWarnings = (complaints: string): number =>
  complaints.match(/MaxListenersExceededWarning/g)?.length ?? 0;

function floorGrowthOf(values: readonly number[]): number {
  const third = Math.ceil(values.length / 3);
  return Math.min(...values.slice(-third)) - Math.min(...values.slice(0, third));
}
