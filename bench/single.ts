import { untilCalm } from './support/calm';
import { inTurns } from './support/contest';
import { comparison, perSecond, type Row } from './support/figures';
import { httpLoad } from './support/http';
import { payload } from './support/payload';
import { MeasuredProcess, serviceVariables } from './support/process';
import { PurgedQueues } from './support/purged-queues';
import type { Servers } from './support/servers';
import { createTenants } from './support/tenants';

const LOAD = { method: 'POST', connections: 64, seconds: 6 } as const;

/** One message a request: the service with the role `api`, and the same app doing nothing with it. */
export async function single(servers: Servers): Promise<Row[]> {
  const { databaseUrl, rabbitmqUrl } = servers;
  const service = await MeasuredProcess.service(servers, { ROLES: 'api' });
  const [tenantId = ''] = await createTenants(service, 1, 1);
  const variables = serviceVariables(databaseUrl, rabbitmqUrl);
  const baseline = await MeasuredProcess.server('bench/baselines/nothing-handler.js', variables);
  const queues = await PurgedQueues.of(rabbitmqUrl, [tenantId]);
  const paths = [`/api/tenants/${tenantId}/messages`];
  const body = JSON.stringify({ type: 'order.created', payload: payload() });
  const measure = async ({ url }: MeasuredProcess): Promise<number> => {
    await untilCalm();
    const { rate } = await httpLoad({ ...LOAD, url, paths, body });
    await queues.purge();
    return rate;
  };
  // Both have served for a while before it counts, as in production: Node compiles what is called often.
  for (const server of [service, baseline]) await measure(server);
  const [ours = NaN, theirs = NaN] = await inTurns([
    { name: 'the service', measure: () => measure(service) },
    { name: 'a handler that does nothing', measure: () => measure(baseline) },
  ]);
  await Promise.all([service.stop(), baseline.stop(), queues.close()]);
  const what = 'POST …/messages, 64 connections';
  const against = 'the same app, its handler does nothing';
  return [comparison({ what, ours, against, theirs, unit: perSecond, wanted: { atLeast: 0.85 } })];
}
