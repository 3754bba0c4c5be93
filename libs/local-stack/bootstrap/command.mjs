import { buildWhenStale } from './build.mjs';
import { runChild } from './child.mjs';
import { installWhenStale } from './install.mjs';

const programs = {
  up: 'dist/libs/local-stack/src/up.js',
  test: 'node_modules/jest/bin/jest.js',
  bench: 'dist/bench/main.js',
  token: 'dist/apps/messaging/src/auth/make-token.js',
};

/** Installs and builds what is not up to date, then runs the program. Returns the exit code. */
export async function run([name, ...args]) {
  const program = programs[name];
  if (!program) {
    console.error(`usage: bootstrap.mjs ${Object.keys(programs).join('|')} [arguments]`);
    return 1;
  }
  return (
    (await installWhenStale()) ||
    (await buildWhenStale()) ||
    // It looks after its own parent, which is us: were we killed, nobody would pass signals on.
    (await runChild(process.execPath, [
      '--import',
      './libs/local-stack/bootstrap/parent-watch.mjs',
      program,
      ...args,
    ]))
  );
}
