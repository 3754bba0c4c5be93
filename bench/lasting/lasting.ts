import { setTimeout as delay } from 'node:timers/promises';
import type { HttpLoad } from '../load/http-load';
import { perSecond, reported, type Row } from '../support/figures';
import { httpLoad } from '../support/http';
import { payload } from '../support/payload';
import { MeasuredProcess } from '../support/process';
import { PurgedQueues } from '../support/purged-queues';
import type { Servers } from '../support/servers';
import { createTenants } from '../support/tenants';
import { preparedStatements, type Sample, sampleOf } from './sample';
import { verdicts } from './verdicts';

const TENANTS = 10;
const WORKERS = 100;
const MESSAGES = 100;
const CONNECTIONS = 10;
const UNDER_WAY = MESSAGES * CONNECTIONS;
const TOP_SECONDS = 10;
const SAMPLE_EVERY_MS = 5_000;

/** Until then the compiler and the collector find their level, a third of a short run at most. */
const WARM_UP_SECONDS = 180;

const minutes = (): number => Number(process.env['BENCH_MINUTES'] ?? 15);

/** A steady load at half of the top speed; then everything that could leak, at its begin and its end. */
export async function lasting(servers: Servers): Promise<Row[]> {
  const service = await MeasuredProcess.service(servers);
  const tenantIds = await createTenants(service, TENANTS, WORKERS);
  const queues = await PurgedQueues.of(servers.rabbitmqUrl, tenantIds);
  const load = loadOn(service, tenantIds);
  const top = (await httpLoad({ ...load, seconds: TOP_SECONDS })).rate;
  while ((await queues.depth()) > 0) await delay(500);

  const seconds = minutes() * 60;
  const underLoad = httpLoad({ ...load, seconds, rate: Math.floor(top / 2) });
  const sampling = sample(servers, service, queues, seconds);
  const [{ rate }, { samples, statements }] = await Promise.all([underLoad, sampling]);
  await Promise.all([service.stop(), queues.close()]);
  const warm = samples.filter(({ at }) => at > Math.min(WARM_UP_SECONDS, seconds / 3));
  return [
    reported(`${minutes()} minutes at half speed`, perSecond(rate * MESSAGES)),
    ...verdicts(warm, statements, service.complaints, UNDER_WAY),
  ];
}

function loadOn({ url }: MeasuredProcess, tenantIds: readonly string[]): Omit<HttpLoad, 'seconds'> {
  const messages = Array.from({ length: MESSAGES }, () => ({ payload: payload() }));
  return {
    ...{ url, method: 'POST' as const, connections: CONNECTIONS },
    paths: tenantIds.map((id) => `/api/tenants/${id}/messages/batch`),
    body: JSON.stringify({ messages }),
  };
}

interface Samples {
  readonly samples: Sample[];
  readonly statements: number;
}

async function sample(
  servers: Servers,
  service: MeasuredProcess,
  queues: PurgedQueues,
  seconds: number,
): Promise<Samples> {
  const samples: Sample[] = [];
  const start = performance.now();
  // The last one is taken under load: the end of the run tears down.
  const end = start + seconds * 1_000 - 2 * SAMPLE_EVERY_MS;
  while (performance.now() < end) {
    await delay(SAMPLE_EVERY_MS);
    const at = (performance.now() - start) / 1_000;
    samples.push(await sampleOf(servers, service, queues, at));
    if (samples.length % 12 === 1) process.stdout.write(`  ${JSON.stringify(samples.at(-1))}\n`);
  }
  return { samples, statements: await preparedStatements(servers) };
}
