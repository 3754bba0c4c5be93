import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { debianProgram } from './debian-programs';
import { findProgram } from './find-program';

/**
 * A kubectl that renders kustomizations as they are written today: an installed one, or Debian's.
 * @throws ProgramNotFound
 */
export async function findKubectl(log: (line: string) => void): Promise<string> {
  const installed = findProgram('kubectl');
  if (installed && (await isCurrent(installed))) return installed;
  return debianProgram('kubectl', ['kubectl'], log);
}

/** `kustomizeVersion` came with kubectl 1.25; before 1.21 the kustomize in it was of 2019. */
async function isCurrent(kubectl: string): Promise<boolean> {
  const { stdout } = await promisify(execFile)(kubectl, ['version', '--client', '-o', 'json']);
  return 'kustomizeVersion' in (JSON.parse(stdout) as object);
}
