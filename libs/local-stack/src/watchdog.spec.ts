import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { identify, isRunning, type ProcessIdentity } from './process-identity';
import { repositoryRoot } from './repository-root';
import { waitUntil } from './wait-until';

/** Starts a PostgreSQL, says where and which, and stays. */
const owner = `
  const { LocalStack } = require('${join(repositoryRoot, 'dist/libs/local-stack/src')}');
  LocalStack.start({ only: ['postgres'] }).then(({ dataDir, postgres }) => {
    console.log(JSON.stringify({ dataDir, pid: postgres.pid }));
  });
`;

it('stops the servers and removes their data when their owner is killed', async () => {
  const child = spawn(process.execPath, ['-e', owner], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { dataDir, pid } = JSON.parse(line.toString()) as { dataDir: string; pid: number };
  const server = identify(pid) as ProcessIdentity;
  child.kill('SIGKILL');
  const isTidy = (): boolean => !isRunning(server) && !existsSync(dataDir);
  await expect(waitUntil(isTidy, { withinMs: 20_000 })).resolves.toBe(true);
}, 60_000);
