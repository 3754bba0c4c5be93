import {
  Database,
  type FoundRows,
  type RunPage,
  servingOptions,
  type Statement,
} from '@app/database';
import type { Client, QueryResultRow } from 'pg';
import { DataSource } from 'typeorm';
import { Metrics } from '@app/metrics';
import { MessageStore } from '../apps/messaging/src/messages/message.store';
import { inTurns } from './support/contest';
import { comparison, perSecond, type Row } from './support/figures';
import { MeasuredProcess } from './support/process';
import type { Servers } from './support/servers';
import { createTenants } from './support/tenants';

const PAGE = 50;
const READERS = 4;
const MEASURED_MS = 2_000;
const ROUNDS = 5;

/** Reads as the owner, for whom there are no policies, and says no tenant. */
class WithoutWall extends Database {
  override as(): ReturnType<Database['as']> {
    const page: RunPage = async <Row extends QueryResultRow>(
      statement: Statement,
      values: unknown[],
    ): Promise<FoundRows<Row>> => {
      const rows = await this.run<Row>(statement, values);
      return { rows, found: rows.length };
    };
    return { run: this.run, page };
  }
}

/** What row-level security costs a page, at 100 partitions and at 1,000. */
export async function wall(servers: Servers): Promise<Row[]> {
  const { databaseUrl, client } = servers;
  const service = await MeasuredProcess.service(servers);
  const behind = await new DataSource(servingOptions(databaseUrl, READERS)).initialize();
  const open = await new DataSource(ownersOptions(databaseUrl)).initialize();
  const stores = [new Database(behind), new WithoutWall(open)].map(
    (db) => new MessageStore(db, new Metrics()),
  );
  const rows: Row[] = [];
  for (const more of [100, 900]) {
    const tenantIds = await createTenants(service, more, 1, 4);
    await fill(client, tenantIds);
    rows.push(await compare(stores, more === 100 ? 100 : 1_000, tenantIds));
  }
  await Promise.all([behind.destroy(), open.destroy(), service.stop()]);
  return rows;
}

async function compare(
  [behind, open]: readonly MessageStore[],
  partitions: number,
  tenantIds: readonly string[],
): Promise<Row> {
  const [ours = NaN, theirs = NaN] = await inTurns(
    [
      { name: 'as the tenant', measure: () => pagesPerSecond(behind, tenantIds) },
      { name: 'as the owner', measure: () => pagesPerSecond(open, tenantIds) },
    ],
    ROUNDS,
  );
  return comparison({
    what: `a page of ${PAGE} behind the wall, ${partitions.toLocaleString('en')} partitions`,
    ...{ ours, against: 'the same, as the owner', theirs, unit: perSecond },
    wanted: { atLeast: 0.85 },
  });
}

/** Of all tenants in turn, so that a connection has seen each partition. */
async function pagesPerSecond(
  store: MessageStore | undefined,
  tenantIds: readonly string[],
): Promise<number> {
  let read = 0;
  const end = Date.now() + MEASURED_MS;
  const reader = async (): Promise<void> => {
    while (Date.now() < end) {
      const tenantId = tenantIds[read++ % tenantIds.length] ?? '';
      await store?.readPage(tenantId, { tenantId }, 'desc', undefined, PAGE);
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  return (read * 1_000) / MEASURED_MS;
}

type Options = ReturnType<typeof servingOptions>;

/** The same sessions, but for the role. */
function ownersOptions(url: string): Options {
  const options = servingOptions(url, READERS);
  const extra = options.extra as { options: string };
  const session = extra.options.replace(/-c role=\S+/, '');
  return { ...options, extra: { ...extra, options: session } };
}

async function fill(client: Client, tenantIds: readonly string[]): Promise<void> {
  await client.query(
    `INSERT INTO messages (tenant_id, id, type, payload, accepted_at)
     SELECT t, gen_random_uuid(), 'order.created',
       jsonb_build_object('order', gen_random_uuid(), 'note', repeat('x', 120), 'total', 99.5), now()
     FROM unnest($1::uuid[]) t, generate_series(1, $2::int)`,
    [tenantIds, PAGE * 2],
  );
  await client.query('VACUUM ANALYZE messages');
}
