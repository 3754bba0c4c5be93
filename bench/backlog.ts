import { fillQueues, untilStored } from './support/backlog';
import { inTurns } from './support/contest';
import { comparison, perSecond, type Row } from './support/figures';
import { type Begin, jobVariables } from './support/job';
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

/** How fast a backlog is stored, by the service and by two baselines. */
export async function backlog(
  servers: Servers,
  { workers, messages, wanted }: Backlog,
): Promise<Row[]> {
  const { databaseUrl, rabbitmqUrl } = servers;
  const service = await MeasuredProcess.service(servers);
  const tenantIds = await createTenants(service, TENANTS, workers);
  await forEachTenant(service, tenantIds, 'pause');
  const env = jobVariables({ databaseUrl, rabbitmqUrl, tenantIds, workers });
  const baselines = ['group-commit', 'insert-each'].map((script) =>
    MeasuredProcess.run(`bench/baselines/${script}.js`, env),
  );
  const [groupCommitting, insertingEach] = baselines.map((baseline): Begin => async () => {
    await baseline.tell('begin');
    return () => baseline.tell('end');
  }) as [Begin, Begin];
  const stored = (begin: Begin) => (): Promise<number> =>
    measure(servers, tenantIds, messages, begin);
  const contenders = [
    { name: 'the service', measure: stored(() => resume(service, tenantIds)) },
    { name: 'bare group commit', measure: stored(groupCommitting) },
    { name: 'one INSERT a message', measure: stored(insertingEach) },
  ];
  process.stdout.write('  all of them warm up:\n');
  await inTurns(contenders, 1);
  const [ours = NaN, grouped = NaN, each = NaN] = await inTurns(contenders);
  await Promise.all([service, ...baselines].map((process) => process.stop()));
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

/** From the moment in which consuming is asked for, of who runs already, to the last row. */
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
