import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Environment, loadEnvironment } from '@app/config';
import { findKubectl } from '@app/local-stack';
import { getMetadataStorage } from 'class-validator';
import { problemsOf } from './kubernetes-schema';
import {
  type Container,
  type Manifest,
  type PodSpec,
  podOf,
  render,
  type Workload,
} from './rendered';

const OVERLAY = 'overlays/production';
// Short: kustomize breaks longer values into lines, which Kubernetes takes and the schema does not.
const SECRETS = {
  DATABASE_URL: 'postgres://app:secret@postgres/messaging',
  RABBITMQ_URL: 'amqps://app:secret@rabbitmq',
  JWT_SECRET: 'x'.repeat(32),
  METRICS_TOKEN: 'x'.repeat(32),
};
const FILLED_IN = {
  'secrets.env': SECRETS,
  'migration.env': { DATABASE_URL: SECRETS.DATABASE_URL },
};

/** Every variable that the program reads. */
const known = new Set(
  getMetadataStorage()
    .getTargetValidationMetadatas(Environment, '', false, false)
    .map(({ propertyName }) => propertyName),
);

const isHeadless = ({ spec }: Workload): boolean => Reflect.get(spec, 'clusterIP') === 'None';

describe('the manifests', () => {
  let kubectl: string;
  let manifests: Manifest[];

  beforeAll(async () => {
    kubectl = await findKubectl((line) => process.stdout.write(`${line}\n`));
    manifests = await render(kubectl, OVERLAY, FILLED_IN);
  }, 120_000);

  const all = <Kind extends Manifest>(...kinds: string[]): Kind[] =>
    manifests.filter(({ kind }) => kinds.includes(kind)) as Kind[];
  const pods = (...kinds: string[]): PodSpec[] => all<Workload>(...kinds).map(podOf);
  const programs = (): Container[] => pods('Deployment').flatMap(({ containers }) => containers);
  const dataOf = (kind: string, name: RegExp): Record<string, string> => {
    const found = all(kind).find(({ metadata }) => name.test(metadata.name));
    return (found?.['data'] ?? {}) as Record<string, string>;
  };
  const config = (): Record<string, string> => dataOf('ConfigMap', /^messaging-\w+$/);

  it('are valid by the schemas of Kubernetes, and have no field that these do not know', () => {
    expect(manifests.length).toBeGreaterThan(15);
    const problems = manifests.flatMap((manifest) =>
      problemsOf(manifest).map((text) => `${manifest.kind} ${manifest.metadata.name}: ${text}`),
    );
    expect(problems).toEqual([]);
  });

  it('would be refused with a field misspelt, missing or of another type', () => {
    const [deployment] = all<Workload>('Deployment') as [Workload];
    const changed = (change: (pod: PodSpec) => void): string[] => {
      const copy = structuredClone(deployment);
      change(podOf(copy));
      return problemsOf(copy);
    };
    expect(changed((pod) => Object.assign(pod, { serviceAcountName: 'x' }))).toEqual([
      '/spec/template/spec/serviceAcountName is no field of the schema',
    ]);
    expect(changed((pod) => Object.assign(pod.containers[0] as Container, { image: 3 }))).toEqual([
      expect.stringContaining('image must be string'),
    ]);
    expect(changed((pod) => Reflect.deleteProperty(pod, 'containers'))).not.toEqual([]);
  });

  it('hold no secret: without the files that an operator fills in nothing is rendered', async () => {
    await expect(render(kubectl, OVERLAY, {})).rejects.toThrow('secrets.env');
    const folder = resolve(__dirname, '..', OVERLAY);
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.example'))) {
      const lines = readFileSync(join(folder, name), 'utf8').trim().split('\n');
      expect(lines.filter((line) => !line.startsWith('#') && !line.endsWith('='))).toEqual([]);
    }
  });

  it('name no variable that the program does not read, with values that it takes', () => {
    const env = programs().flatMap(({ env }) => env);
    const secrets = dataOf('Secret', /^messaging-[a-z0-9]{10}$/);
    const given = [
      ...Object.keys(config()),
      ...Object.keys(secrets),
      ...env.map(({ name }) => name),
    ];
    expect(Object.keys(secrets).toSorted()).toEqual(Object.keys(SECRETS).toSorted());
    expect(given.filter((name) => !known.has(name))).toEqual([]);
    expect(config()).toMatchObject({ HOST: '0.0.0.0', AUTH_MODE: 'jwt' });
    const asOff = { AUTH_MODE: 'off', AUTH_OFF_ANYWHERE: 'true' };
    expect(() => loadEnvironment({ ...config(), ...SECRETS, ...asOff }, '/nowhere')).not.toThrow();
  });

  it('run one image in both roles, and as the migration that goes before', () => {
    const roles = programs().map(({ env }) => env.find(({ name }) => name === 'ROLES')?.value);
    expect(roles).toEqual(['api', 'consumer']);
    const images = pods('Deployment', 'Job').flatMap((pod) =>
      pod.containers.map(({ image }) => image),
    );
    expect(new Set(images).size).toBe(1);
    const [migration] = pods('Job').flatMap(({ containers }) => containers);
    const script = migration?.command?.find((part) => part.endsWith('.js')) as string;
    expect(readFileSync(resolve(__dirname, '../..', script), 'utf8')).toContain('node');
  });

  it('give a stop the time that it takes', () => {
    for (const { terminationGracePeriodSeconds, containers } of pods('Deployment')) {
      const sleep = Number(containers[0]?.lifecycle?.preStop.exec.command.at(-1));
      expect(sleep).toBeGreaterThan(0);
      const stopWithin = sleep + Number(config()['SHUTDOWN_TIMEOUT_MS']) / 1_000;
      expect(terminationGracePeriodSeconds).toBeGreaterThan(stopWithin);
    }
  });

  it('run as nobody in particular, and can write nothing', () => {
    expect(pods('Deployment', 'Job')).toHaveLength(3);
    for (const pod of pods('Deployment', 'Job')) {
      expect(pod.automountServiceAccountToken).toBe(false);
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(pod.securityContext.runAsUser).toBeGreaterThan(0);
      for (const { securityContext, resources } of pod.containers) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(Object.keys(resources)).toEqual(expect.arrayContaining(['limits', 'requests']));
      }
    }
  });

  it('probe what the program answers', () => {
    for (const { startupProbe, livenessProbe, readinessProbe, ports, env } of programs()) {
      const probes = [startupProbe, livenessProbe, readinessProbe];
      // What accepts messages does so without the database.
      const isApi = env.some(({ name, value }) => name === 'ROLES' && value === 'api');
      const ready = isApi ? 'ready?exclude=database' : 'ready';
      expect(probes.map(({ httpGet }) => httpGet)).toEqual(
        ['startup', 'live', ready].map((name) => ({ path: `/health/${name}`, port: 'http' })),
      );
      expect(ports).toEqual([{ name: 'http', containerPort: Number(config()['PORT']) }]);
    }
  });

  it('keep as many pods serving during a rollout and a drained node as they can', () => {
    for (const { spec } of all<Workload>('Deployment')) {
      expect(spec.strategy).toEqual({ rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } });
      expect(spec).not.toHaveProperty('replicas');
    }
    const selected = (kind: string): unknown[] =>
      all<Workload>(kind).map(({ spec }) => spec.selector.matchLabels);
    expect(selected('PodDisruptionBudget')).toEqual(selected('Deployment'));
    const scaled = all<Workload>('HorizontalPodAutoscaler').map(
      ({ spec }) => spec.scaleTargetRef?.name,
    );
    expect(scaled).toEqual(all('Deployment').map(({ metadata }) => metadata.name));
  });

  it('give Prometheus a name for every pod, and let it in', () => {
    const job = readFileSync(resolve(__dirname, '../monitoring/kubernetes.yml'), 'utf8');
    for (const { spec } of all<Workload>('Deployment')) {
      const { matchLabels } = spec.selector;
      const named = all<Workload>('Service').find(
        (service) => isDeepStrictEqual(service.spec.selector, matchLabels) && isHeadless(service),
      );
      expect(named?.spec).toMatchObject({ publishNotReadyAddresses: true });
      expect(job).toContain(`${named?.metadata.name}.${named?.metadata.namespace}.svc`);
    }
    expect(job).toContain(`port: ${config()['PORT']}`);
    const policies = JSON.stringify(all('NetworkPolicy'));
    expect(policies).toContain('"kubernetes.io/metadata.name":"monitoring"');
  });

  it('let nothing in and out but what is named', () => {
    const policies = all<Workload>('NetworkPolicy');
    expect(policies.map(({ spec }) => spec)).toContainEqual({
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
    });
    const ports = JSON.stringify(policies.map(({ spec }) => spec));
    for (const port of [53, 5432, 5671, 5672, 4318]) expect(ports).toContain(`"port":${port}`);
    // OTLP by gRPC, which the program does not speak.
    expect(ports).not.toContain('4317');
  });
});
