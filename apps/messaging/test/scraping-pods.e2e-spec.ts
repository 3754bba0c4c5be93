import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PrometheusServer } from '@app/local-stack';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { Program } from './support/program';

const MONITORING = resolve(__dirname, '../../../deploy/monitoring');
const TOKEN = 'for-scrapes-alone';

/** What the names of the cluster would come to. */
const found = (port: number): string => `static_configs:
      - targets: ['127.0.0.1:${port}']
        labels: { __meta_dns_name: messaging-consumer-metrics.messaging.svc }
    relabel_configs:`;

describe('the scrape configuration for Kubernetes', () => {
  let database: TestDatabase;
  let program: Program;
  let prometheus: PrometheusServer | undefined;
  const folder = mkdtempSync(join(tmpdir(), 'messaging-prometheus-'));

  beforeAll(async () => {
    database = await TestDatabase.create();
    program = await Program.start({ databaseUrl: database.url, env: { METRICS_TOKEN: TOKEN } });
    const configFile = join(folder, 'kubernetes.yml');
    writeFileSync(configFile, configuration(program.port));
    writeFileSync(join(folder, 'token'), TOKEN);
    const log = (line: string): void => void process.stdout.write(`${line}\n`);
    prometheus = await PrometheusServer.start({ configFile, dataDir: folder, log });
  }, 180_000);

  afterAll(async () => {
    await prometheus?.stop();
    await Program.killAll();
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  /** As it is, but for the cluster's names, the place of the token, and how often. */
  const configuration = (port: number): string =>
    readFileSync(join(MONITORING, 'kubernetes.yml'), 'utf8')
      .replaceAll('15s', '1s')
      .replace('- alerts.yml', `- ${join(MONITORING, 'alerts.yml')}`)
      .replace(/credentials_file: .*/, `credentials_file: ${join(folder, 'token')}`)
      .replace(/dns_sd_configs:[^]*?relabel_configs:/, found(port));

  async function up(): Promise<unknown[]> {
    const response = await fetch(`${prometheus?.url}/api/v1/query?query=up`);
    const { data } = (await response.json()) as { data: { result: unknown[] } };
    return data.result;
  }

  it('gets in with the token, and names the job as alerts and dashboard count on', async () => {
    expect(await program.api.status('/metrics')).toBe(401);
    const instance = `127.0.0.1:${program.port}`;
    const metric = { __name__: 'up', job: 'messaging', component: 'consumer', instance };
    await eventually(async () =>
      expect(await up()).toEqual([{ metric, value: [expect.any(Number), '1'] }]),
    );
  });
});
