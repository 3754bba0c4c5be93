const STACK = /"stack":|^\s+at .+:\d+|\\n\s+at /;

/** The lines of a log that hold a stack, or belong to one. */
export const stacksIn = (output: string): string[] =>
  output.split('\n').filter((line) => STACK.test(line));
