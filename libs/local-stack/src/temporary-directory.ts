import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identify, isRunning, type ProcessIdentity } from './process-identity';

const prefix = 'messaging-stack-';
const ownersFile = 'owners.json';

/** A new folder for a stack that leaves nothing behind. */
export function makeTemporaryDirectory(watchdog: ProcessIdentity | undefined): string {
  const directory = mkdtempSync(join(tmpdir(), prefix));
  // As root PostgreSQL runs under another user, who has to come through to its own folder.
  chmodSync(directory, 0o711);
  const owners = [identify(process.pid), watchdog].filter((owner) => owner !== undefined);
  writeFileSync(join(directory, ownersFile), JSON.stringify(owners));
  return directory;
}

export function removeDirectory(directory: string): Promise<void> {
  return rm(directory, { recursive: true, force: true, maxRetries: 5 });
}

/** Folders whose run was killed together with its watchdog, so that nobody tidied up. */
export function abandonedDirectories(): string[] {
  return readdirSync(tmpdir())
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(tmpdir(), name))
    .filter(isAbandoned);
}

function isAbandoned(directory: string): boolean {
  try {
    const file = join(directory, ownersFile);
    // One without the file is being made at this moment.
    if (!existsSync(file)) return false;
    const owners = JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity[];
    return !owners.some(isRunning);
  } catch {
    // Another user's, or one that is being written.
    return false;
  }
}
