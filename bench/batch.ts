import { inTurns } from './support/contest';
import { comparison, perSecond, type Row } from './support/figures';
import { httpLoad } from './support/http';
import { jobVariables } from './support/job';
import { payload } from './support/payload';
import { MeasuredProcess } from './support/process';
import { PurgedQueues } from './support/purged-queues';
import type { Servers } from './support/servers';
import { createTenants } from './support/tenants';

const MESSAGES = 100;
const SECONDS = 6;

/** As many messages wait for their confirm as in the baseline's window. */
const WINDOW = 1_000;

/** A hundred messages a request, against publishing without HTTP. */
export async function batch(servers: Servers): Promise<Row[]> {
  const { rabbitmqUrl } = servers;
  const service = await MeasuredProcess.service(servers, { ROLES: 'api' });
  const [tenantId = ''] = await createTenants(service, 1, 1);
  const queues = await PurgedQueues.of(rabbitmqUrl, [tenantId]);
  const purged = async (rate: Promise<number>): Promise<number> => {
    const figure = await rate;
    await queues.purge();
    return figure;
  };
  const [ours = NaN, theirs = NaN] = await inTurns([
    { name: 'the service', measure: () => purged(postBatches(service, tenantId)) },
    { name: 'amqplib', measure: () => purged(publish(rabbitmqUrl, tenantId)) },
  ]);
  await Promise.all([service.stop(), queues.close()]);
  const what = `POST …/messages/batch of ${MESSAGES}, messages`;
  const against = `amqplib with confirms, window ${WINDOW.toLocaleString('en')}`;
  return [comparison({ what, ours, against, theirs, unit: perSecond, wanted: { atLeast: 0.7 } })];
}

async function postBatches({ url }: MeasuredProcess, tenantId: string): Promise<number> {
  const messages = Array.from({ length: MESSAGES }, () => ({ payload: payload() }));
  const { rate } = await httpLoad({
    url,
    method: 'POST',
    paths: [`/api/tenants/${tenantId}/messages/batch`],
    body: JSON.stringify({ messages }),
    connections: WINDOW / MESSAGES,
    seconds: SECONDS,
  });
  return rate * MESSAGES;
}

async function publish(rabbitmqUrl: string, tenantId: string): Promise<number> {
  const job = { rabbitmqUrl, tenantIds: [tenantId], window: WINDOW, seconds: SECONDS };
  const publisher = MeasuredProcess.run('bench/baselines/publish.js', jobVariables(job));
  const { rate } = await publisher.result<{ rate: number }>();
  await publisher.stop();
  return rate;
}
