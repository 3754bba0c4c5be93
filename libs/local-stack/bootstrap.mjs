// What `npm run up`, `npm test` and `npm run bench` run, on a fresh clone too: before `npm ci`
// there is nothing but Node. This file must parse on old versions of it, to say that they are.
// New enough is what can `require` an ES module, which some packages are.
const [major, minor] = process.versions.node.split('.').map(Number);
const isNewEnough = major > 22 || (major === 22 && minor >= 13) || (major === 20 && minor >= 19);

if (!isNewEnough) {
  console.error(
    'This needs Node 20.19, 22.13 or later, or 24, and runs on ' + process.versions.node + '.',
  );
  process.exit(1);
}

import('./bootstrap/command.mjs')
  .then((command) => command.run(process.argv.slice(2)))
  .then((code) => process.exit(code));
