import { resolve } from 'node:path';

const AUTH = resolve(__dirname, '../../../../dist/apps/messaging/src/auth');

/** What a mistake could leave out, each as what is run in the program before its own first line. */
const MISTAKES = {
  guard: `require('${AUTH}/access.guard').AccessGuard.prototype.canActivate = () => true;`,
  authentication: `require('${AUTH}/early-refusal').refuseStrangersEarly = () => undefined;`,
};

/** The environment of a program in which one or the other was forgotten, everywhere. */
export function forgetting(...names: (keyof typeof MISTAKES)[]): Record<string, string> {
  const required = `import { createRequire } from 'node:module'; const require = createRequire('${AUTH}/');`;
  const code = [required, ...names.map((name) => MISTAKES[name])].join('\n');
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
}
