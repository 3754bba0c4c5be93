import { fillQueues, untilStored } from './support/backlog';
import { inTurns } from './support/contest';
import { comparison, perSecond, type Row } from './support/figures';
import { jobVariables } from './support/job';
import { MeasuredProcess } from './support/process';
import type { Servers } from './support/servers';
import { createTenants, forEachTenant } from './support/tenants';

const TENANTS = 10;

export interface Backlog {
  readonly workers: number;
  readonly messages: number;
  /** The ratio to each baseline that is promised. */
  readonly wanted: { readonly groupCommit?: number; readonly insertEach: number };
}

/** Starts consuming; returns how to end it. */
type Begin = () => Promise<() => Promise<void>>;

/** How fast a backlog is stored, by the service and by two baselines. */
export async function backlog(
  servers: Servers,
  { workers, messages, wanted }: Backlog,
): Promise<Row[]> {
  const { databaseUrl, rabbitmqUrl } = servers;
  const service = await MeasuredProcess.service(servers);
  const tenantIds = await createTenants(service, TENANTS, workers);
  await forEachTenant(service, tenantIds, 'pause');
  const baseline =
    (script: string): Begin =>
    () => {
      const env = jobVariables({ databaseUrl, rabbitmqUrl, tenantIds, workers });
      const child = MeasuredProcess.run(`bench/baselines/${script}.js`, env);
      return Promise.resolve(() => child.stop());
    };
  const stored = (begin: Begin) => (): Promise<number> =>
    measure(servers, tenantIds, messages, begin);
  const [ours = NaN, grouped = NaN, each = NaN] = await inTurns([
    { name: 'the service', measure: stored(() => resume(service, tenantIds)) },
    { name: 'bare group commit', measure: stored(baseline('group-commit')) },
    { name: 'one INSERT a message', measure: stored(baseline('insert-each')) },
  ]);
  await service.stop();
  const what = `backlog to stored, ${TENANTS} tenants × ${workers} workers`;
  const { groupCommit, insertEach } = wanted;
  return [
    comparison({
      ...{
        what,
        ours,
        against: 'bare amqplib + pg group commit',
        theirs: grouped,
        unit: perSecond,
      },
      ...(groupCommit !== undefined && { wanted: { atLeast: groupCommit } }),
    }),
    comparison({
      ...{ what, ours, against: 'one INSERT a message', theirs: each, unit: perSecond },
      wanted: { atLeast: insertEach },
    }),
  ];
}

async function resume(
  service: MeasuredProcess,
  tenantIds: readonly string[],
): Promise<() => Promise<void>> {
  await forEachTenant(service, tenantIds, 'resume');
  return () => forEachTenant(service, tenantIds, 'pause');
}

/** From the moment in which consuming is asked for, a baseline's start of some 100 ms included. */
async function measure(
  { client, rabbitmqUrl }: Servers,
  tenantIds: readonly string[],
  messages: number,
  begin: Begin,
): Promise<number> {
  await fillQueues(rabbitmqUrl, tenantIds, messages);
  const start = Date.now();
  const end = await begin();
  const rate = await untilStored(client, messages, start);
  await end();
  await client.query('TRUNCATE messages');
  return rate;
}
