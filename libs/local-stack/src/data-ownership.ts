import { accessSync, constants, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The data was made by another user, as by an earlier run as root. */
export class DataOfAnotherUser extends Error {
  override readonly name = 'DataOfAnotherUser';
  constructor(readonly path: string) {
    super(`${path} belongs to another user. Run as that user, or have that user remove it.`);
  }
}

/**
 * Makes the data folder when it is missing.
 * @throws DataOfAnotherUser
 */
export function openDataDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true });
  refuseUnlessWritable(directory);
  for (const name of readdirSync(directory)) refuseUnlessWritable(join(directory, name));
}

function refuseUnlessWritable(path: string): void {
  try {
    accessSync(path, constants.W_OK);
  } catch (error) {
    // A lock may go while we look at it.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw new DataOfAnotherUser(path);
  }
}
