import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The first of these files, then of this name on the PATH, that can be run. */
export function findProgram(name: string, files: readonly string[] = []): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = [...files, ...folders.map((folder) => join(folder, name))];
  const found = candidates.find(isExecutable);
  // Scripts such as RabbitMQ's look for what belongs to them beside themselves.
  return found && realpathSync(found);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
