import { eventually } from './eventually';
import type { Program } from './program';

/** A line of the program's log. */
export interface LogLine {
  readonly level: number;
  readonly time: number;
  readonly msg?: string;
  readonly request_id?: string;
  readonly tenant_id?: string;
  readonly trace_id?: string;
  readonly duration_ms?: number;
  readonly req?: { method: string; url: string };
  readonly res?: { statusCode: number };
  readonly err?: Record<string, unknown>;
}

/** What a program has logged so far; a line that is not JSON fails the test. */
export function linesOf({ output }: Program): LogLine[] {
  // The last part is a line only once its end has come.
  const lines = output.split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as LogLine);
}

/** The one line of a request, once it is there; two of them fail the test as well. */
export async function lineOf(program: Program, requestId: string | null): Promise<LogLine> {
  return eventually(() => {
    const all = linesOf(program).filter(({ request_id, res }) => request_id === requestId && res);
    expect(all).toHaveLength(1);
    return all[0] as LogLine;
  });
}
