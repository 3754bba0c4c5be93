import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

export interface Container {
  readonly image: string;
  readonly command?: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly ports: unknown;
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: string[] } } };
  readonly securityContext: unknown;
  readonly resources: object;
}

export interface PodSpec {
  readonly automountServiceAccountToken: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: { readonly runAsUser: number };
  readonly containers: readonly Container[];
}

/** What the tests read of whatever has a `spec`. */
export interface Workload extends Manifest {
  readonly spec: {
    readonly strategy: unknown;
    readonly selector: { readonly matchLabels: unknown };
    readonly scaleTargetRef?: { readonly name: string };
    readonly template: { readonly spec: PodSpec };
  };
}

export const podOf = ({ spec }: Workload): PodSpec => spec.template.spec;

const DEPLOY = resolve(__dirname, '..');

/**
 * An overlay as `kubectl apply -k` would send it, from a copy of `deploy/`.
 * @param files what an operator fills in: the values by the name of the file that they stand in
 */
export async function render(
  kubectl: string,
  overlay: string,
  files: Readonly<Record<string, Readonly<Record<string, string>>>>,
): Promise<Manifest[]> {
  const copy = mkdtempSync(join(tmpdir(), 'messaging-deploy-'));
  try {
    // Without the secrets that this checkout may have.
    const isOurs = (file: string): boolean => !/overlays.*\.env$/.test(file);
    cpSync(DEPLOY, copy, { recursive: true, filter: isOurs });
    const folder = join(copy, overlay);
    for (const [file, values] of Object.entries(files)) {
      const lines = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
      writeFileSync(join(folder, file), lines.join(''));
    }
    const { stdout } = await promisify(execFile)(kubectl, ['kustomize', folder]);
    return parseAllDocuments(stdout).map((document) => document.toJS() as Manifest);
  } finally {
    rmSync(copy, { recursive: true });
  }
}
