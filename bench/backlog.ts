import type { Client } from 'pg';
import { fillQueues, untilStored } from './support/backlog';
import { median, perSecond, type Row } from './support/figures';
import { jobVariables } from './support/job';
import { MeasuredProcess } from './support/process';
import type { Servers } from './support/servers';

const ROUNDS = 3;
const TENANTS = 10;

/** How fast a backlog is stored, by the service and by two baselines, in turns, three rounds each. */
export async function backlog(servers: Servers, workers: number, total: number): Promise<Row[]> {
  const { databaseUrl, rabbitmqUrl, client } = servers;
  const service = await MeasuredProcess.service(databaseUrl, rabbitmqUrl);
  const tenantIds = await createTenants(service, workers);
  const baseline = (script: string) => async (): Promise<() => Promise<void>> => {
    const env = jobVariables({ databaseUrl, rabbitmqUrl, tenantIds, workers });
    const child = MeasuredProcess.run(`bench/baselines/${script}.js`, env);
    return Promise.resolve(() => child.stop());
  };
  const contenders = [
    { name: 'the service', rates: [] as number[], begin: () => resume(service, tenantIds) },
    { name: 'bare group commit', rates: [] as number[], begin: baseline('group-commit') },
    { name: 'one INSERT a message', rates: [] as number[], begin: baseline('insert-each') },
  ];
  for (let round = 0; round < ROUNDS; round++) {
    for (const { begin, rates } of contenders) {
      await fillQueues(rabbitmqUrl, tenantIds, total);
      rates.push(await measure(client, begin, total));
    }
  }
  await service.stop();
  const [ours, ...others] = contenders.map(({ name, rates }) => ({ name, rate: median(rates) }));
  const title = `backlog of ${total}, ${TENANTS} tenants × ${workers} workers`;
  return others.map(({ name, rate }) => {
    const ratio = ((ours?.rate ?? 0) / rate).toFixed(2);
    return [title, perSecond(ours?.rate ?? 0), name, perSecond(rate), ratio];
  });
}

async function createTenants(service: MeasuredProcess, workers: number): Promise<string[]> {
  const tenantIds: string[] = [];
  for (let tenant = 0; tenant < TENANTS; tenant++) {
    const name = `bench ${workers} ${tenant}`;
    const body = { name, workers };
    const created = await service.call<{ tenant_id: string }>('POST', '/api/tenants', body);
    await service.call('POST', `/api/tenants/${created.tenant_id}/pause`);
    tenantIds.push(created.tenant_id);
  }
  return tenantIds;
}

async function resume(
  service: MeasuredProcess,
  tenantIds: readonly string[],
): Promise<() => Promise<void>> {
  const all = async (what: 'pause' | 'resume'): Promise<void> => {
    const call = (id: string): Promise<unknown> =>
      service.call('POST', `/api/tenants/${id}/${what}`);
    await Promise.all(tenantIds.map(call));
  };
  await all('resume');
  return () => all('pause');
}

/** From the moment in which consuming is asked for, a baseline's start of some 100 ms included. */
async function measure(
  client: Client,
  begin: () => Promise<() => Promise<void>>,
  total: number,
): Promise<number> {
  const start = Date.now();
  const end = await begin();
  const rate = await untilStored(client, total, start);
  await end();
  await client.query('TRUNCATE messages');
  return rate;
}
