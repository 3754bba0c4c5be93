import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { findPromtool } from '@app/local-stack';
import { parse } from 'yaml';

const ROOT = resolve(__dirname, '../..');
const MONITORING = resolve(ROOT, 'deploy/monitoring');

const read = (path: string): string => readFileSync(resolve(ROOT, path), 'utf8');

interface Service {
  profiles?: string[];
  ports?: string[];
  volumes?: string[];
}

describe('the monitoring', () => {
  let promtool: string;

  beforeAll(async () => {
    promtool = await findPromtool((line) => process.stdout.write(`${line}\n`));
  }, 120_000);

  const check = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(promtool, args, { cwd: MONITORING });
    return stdout;
  };

  it('has alert rules and a configuration that Prometheus takes', async () => {
    expect(await check('check', 'rules', 'alerts.yml')).toContain('SUCCESS');
    expect(await check('check', 'config', 'prometheus.yml')).toContain('SUCCESS');
    // Without its files: the token is in the cluster.
    expect(await check('check', 'config', '--syntax-only', 'kubernetes.yml')).toContain('SUCCESS');
  });

  it('raises each alert when its time has come, and none while all is well', async () => {
    expect(await check('test', 'rules', 'alerts.test.yml')).toContain('SUCCESS');
    const names = [...read('deploy/monitoring/alerts.yml').matchAll(/alert: (\w+)/g)];
    const tests = read('deploy/monitoring/alerts.test.yml');
    const runbook = read('docs/operating.md');
    for (const [, name] of names as unknown as [string, string][]) {
      expect(tests).toMatch(new RegExp(`alertname[:=] ?"?${name}\\b`));
      expect(runbook).toContain(`\`${name}\``);
    }
  });

  it('is published on loopback alone, from files that are there', () => {
    const { services } = parse(read('docker-compose.yml')) as { services: Record<string, Service> };
    const ours = Object.values(services).filter(({ profiles }) => profiles?.includes('monitoring'));
    expect(ours).toHaveLength(2);
    for (const { ports = [], volumes = [] } of ours) {
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
      const files = volumes.filter((volume) => volume.startsWith('./'));
      for (const file of files)
        expect(existsSync(resolve(ROOT, file.split(':')[0] as string))).toBe(true);
    }
  });
});
