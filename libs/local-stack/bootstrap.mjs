// What `npm run up`, `npm test` and `npm run bench` run, on a fresh clone too: before `npm ci`
// there is nothing but Node. This file must parse on old versions of it, to say that they are.
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < 20 || (major === 20 && minor < 19)) {
  console.error('This needs Node 20.19 or later, and runs on ' + process.versions.node + '.');
  process.exit(1);
}

import('./bootstrap/command.mjs')
  .then((command) => command.run(process.argv.slice(2)))
  .then((code) => process.exit(code));
