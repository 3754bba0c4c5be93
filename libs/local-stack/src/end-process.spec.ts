import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { endProcess } from './end-process';
import { identify, isRunning, type ProcessIdentity } from './process-identity';

const options = { stopSignal: 'SIGTERM', graceMs: 200 } as const;

/** A process that says when it is ready to be ended. */
async function start(program: string): Promise<ProcessIdentity> {
  const child = spawn(process.execPath, ['-e', `${program}; console.log('ready')`], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  const identity = identify(child.pid ?? 0);
  if (!identity) throw new Error('It ended by itself');
  return identity;
}

it('kills a process that does not heed the request to stop', async () => {
  const stubborn = await start("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)");
  await endProcess(stubborn, options);
  expect(isRunning(stubborn)).toBe(false);
});

it('ends a frozen process', async () => {
  const frozen = await start('setInterval(() => {}, 1000)');
  process.kill(frozen.pid, 'SIGSTOP');
  await endProcess(frozen, options);
  expect(isRunning(frozen)).toBe(false);
});

it('leaves a process alone that only has the pid of an earlier one', async () => {
  const other = await start('setInterval(() => {}, 1000)');
  await endProcess({ pid: other.pid, startedAt: 'earlier' }, options);
  expect(isRunning(other)).toBe(true);
  await endProcess(other, options);
});
