import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root, runChild } from './child.mjs';

const sources = ['apps', 'libs', 'bench'];
const settings = [
  'ormconfig.ts',
  'tsconfig.json',
  'tsconfig.build.json',
  'package.json',
  'nest-cli.json',
];
// Written near the beginning, in the middle and at the end of a build.
const results = [
  'dist/apps/messaging/src/main.js',
  'dist/libs/local-stack/src/up.js',
  'dist/ormconfig.js',
];

/** Builds, unless dist is younger than every source. */
export async function buildWhenStale() {
  if (isBuilt()) return 0;
  console.error('building');
  const nest = join('node_modules', '@nestjs', 'cli', 'bin', 'nest.js');
  const code = await runChild(process.execPath, [nest, 'build', 'messaging'], process.stderr);
  // The compiler writes its results in spite of errors, and these must not pass for a build.
  if (code !== 0) rmSync(join(root, results[0]), { force: true });
  return code;
}

function isBuilt() {
  if (!results.every((file) => existsSync(join(root, file)))) return false;
  const oldest = Math.min(...results.map(modifiedAt));
  const files = [
    ...sources.flatMap(filesBelow),
    ...settings.filter((file) => existsSync(join(root, file))),
  ];
  return files.every((file) => modifiedAt(file) < oldest);
}

/** The folders too, since a file that was removed leaves its trace only there. */
function filesBelow(folder) {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  const below = entries.filter(isBuiltFrom).map((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
  return [folder, ...below.flat()];
}

/** Tests are not part of the build. */
function isBuiltFrom({ name }) {
  return name !== 'test' && !name.endsWith('.spec.ts');
}

function modifiedAt(file) {
  return statSync(join(root, file)).mtimeMs;
}
