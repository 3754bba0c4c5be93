import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PrometheusServer } from '@app/local-stack';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { Program } from './support/program';

const MONITORING = resolve(__dirname, '../../../deploy/monitoring');
const RULES = join(MONITORING, 'alerts.yml');
const DASHBOARD = join(MONITORING, 'grafana/dashboards/messaging.json');

interface Rule {
  readonly name: string;
  readonly state: string;
  readonly health: string;
}

describe('monitoring with a real Prometheus', () => {
  let database: TestDatabase;
  let program: Program;
  let prometheus: PrometheusServer;
  const folder = mkdtempSync(join(tmpdir(), 'messaging-prometheus-'));

  beforeAll(async () => {
    database = await TestDatabase.create();
    program = await Program.start({ databaseUrl: database.url });
    const configFile = join(folder, 'prometheus.yml');
    writeFileSync(configFile, configuration(program.port));
    const log = (line: string): void => void process.stdout.write(`${line}\n`);
    prometheus = await PrometheusServer.start({ configFile, dataDir: folder, log });
  }, 180_000);

  afterAll(async () => {
    await prometheus.stop();
    await Program.killAll();
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  async function ask<Data>(path: string): Promise<Data> {
    const response = await fetch(prometheus.url + path);
    expect(response.status).toBe(200);
    return ((await response.json()) as { data: Data }).data;
  }

  async function value(query: string): Promise<number> {
    const path = `/api/v1/query?query=${encodeURIComponent(query)}`;
    const { result } = await ask<{ result: { value: [number, string] }[] }>(path);
    return Number(result[0]?.value[1]);
  }

  const rules = async (): Promise<Rule[]> =>
    (await ask<{ groups: { rules: Rule[] }[] }>('/api/v1/rules')).groups.flatMap(
      (group) => group.rules,
    );

  it('scrapes the program, and counts what was accepted and stored', async () => {
    await eventually(async () => expect(await value('up{job="messaging"}')).toBe(1));
    const tenantId = await program.api.createTenant();
    await program.api.sendBatch(tenantId, [1, 2, 3]);
    await eventually(async () => {
      expect(await value('sum(messaging_messages_accepted_total)')).toBe(3);
      expect(await value('sum(messaging_messages_stored_total)')).toBe(3);
    });
  });

  it('finds every figure that the rules and the dashboard ask for', async () => {
    const told = new Set(await ask<string[]>('/api/v1/label/__name__/values'));
    const asked = new Set([...namesIn(RULES), ...namesIn(DASHBOARD)]);
    expect(asked.size).toBeGreaterThan(15);
    expect([...asked].filter((name) => !told.has(name))).toEqual([]);
  });

  it('evaluates every rule, and raises no alert of a program that is well', async () => {
    await eventually(async () => {
      const all = await rules();
      expect(all.length).toBeGreaterThan(10);
      for (const rule of all) expect(rule).toMatchObject({ health: 'ok', state: 'inactive' });
    });
  });

  it('raises the alert of a program that does not answer', async () => {
    await program.kill();
    await eventually(async () => {
      const down = (await rules()).find(({ name }) => name === 'MessagingDown');
      expect(down?.state).toMatch(/pending|firing/);
    });
  });
});

/** What compose gives Prometheus, but for the address, and often enough for a test. */
function configuration(port: number): string {
  return readFileSync(join(MONITORING, 'prometheus.yml'), 'utf8')
    .replaceAll('15s', '1s')
    .replace('- alerts.yml', `- ${RULES}`)
    .replace('app:3000', `127.0.0.1:${port}`);
}

const namesIn = (file: string): string[] =>
  readFileSync(file, 'utf8').match(/\bmessaging_[a-z_]+(?=[[{ )"])/g) ?? [];
