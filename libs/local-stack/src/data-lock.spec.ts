import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AlreadyRunning, DataLock } from './data-lock';
import { Watchdog } from './watchdog';

let directory: string;
let watchdog: Watchdog;
const log = jest.fn();
const acquire = (): Promise<DataLock> =>
  DataLock.acquire({ directory, watchdog, log, waitMs: 300 });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'data-lock-'));
  watchdog = Watchdog.start();
});

afterEach(async () => {
  await watchdog.close();
  rmSync(directory, { recursive: true });
});

it('lets one run in, and the next when that one has ended', async () => {
  const lock = await acquire();
  await expect(acquire()).rejects.toThrow(AlreadyRunning);
  expect(log).toHaveBeenCalledWith(expect.stringContaining(`pid ${process.pid}`));
  lock.release();
  await expect(acquire()).resolves.toBeInstanceOf(DataLock);
});

it('takes over the lock of a run that was killed', async () => {
  writeFileSync(join(directory, 'lock'), JSON.stringify([{ pid: 1, startedAt: 'never' }, null]));
  await expect(acquire()).resolves.toBeInstanceOf(DataLock);
});
