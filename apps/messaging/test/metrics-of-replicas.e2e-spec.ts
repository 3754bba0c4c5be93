import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { Scrape } from './support/metrics';
import { ownersOf, sharesOf } from './support/owners';
import { Program } from './support/program';
import { StoringLock } from './support/storing-lock';

const TAKEN = 1;

describe('the metrics of several replicas', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let replicas: Program[];

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    // Nobody by name: all are others.
    const env = { METRICS_TOP_TENANTS: '0' };
    const start = (): Promise<Program> => Program.start({ databaseUrl: database.url, env });
    replicas = await Promise.all([start(), start(), start()]);
  });

  afterAll(async () => {
    await Program.killAll();
    await StoringLock.releaseAll();
    await broker.close();
    await database.drop();
  });

  const others = async (): Promise<number[]> => {
    const scrapes = await Promise.all(replicas.map(({ api }) => Scrape.of(api)));
    return scrapes.map((scrape) => scrape.value('queue_messages{tenant="_others"}'));
  };

  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

  it('add up to what waits, whoever owns it and if nobody does, and when one of them dies', async () => {
    const [{ api }] = replicas as [Program];
    const active: string[] = [];
    for (let made = 0; made < 6; made++) active.push(await api.createTenant(TAKEN));
    await eventually(async () => expect(sharesOf(await ownersOf(api, active))).toEqual([2, 2, 2]));
    for (const tenantId of active) await StoringLock.hold(database, tenantId);
    for (const tenantId of active) await api.sendBatch(tenantId, [...Array(TAKEN + 2).keys()]);
    const paused = [await api.createTenant(), await api.createTenant()];
    for (const tenantId of paused) {
      await api.pauseAndWait(tenantId);
      await api.sendBatch(tenantId, [...Array(50).keys()]);
    }
    await eventually(async () => {
      const told = (await others()).toSorted((a, b) => a - b);
      expect(told).toEqual([4, 4, 104]);
    });

    const inCharge = (await others()).findIndex((value) => value === 104);
    const [killed] = replicas.splice(inCharge, 1) as [Program];
    await killed.kill();
    await eventually(
      // What it had taken waits again, and is taken by the others.
      async () => expect(sum(await others())).toBe(6 * 2 + 100),
      { withinMs: 30_000 },
    );
  });
});
