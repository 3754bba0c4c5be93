import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { consumerCounts } from './support/management';
import { ownersOf, sharesOf } from './support/owners';
import { Program } from './support/program';
import { servers } from './support/servers';
import { TcpProxy } from './support/tcp-proxy';

jest.setTimeout(60_000);

/** A replica's half is more than it looks at one by one. */
const TENANTS = 120;

describe('when one replica alone loses its broker', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let proxy: TcpProxy;
  let other: Program;
  let tenantIds: string[];

  beforeAll(async () => {
    database = await TestDatabase.create();
    broker = await TestBroker.connect();
    proxy = await TcpProxy.start(servers().rabbitmqUrl);
    other = await Program.start({ databaseUrl: database.url });
    tenantIds = [];
    while (tenantIds.length < TENANTS) tenantIds.push(await other.api.createTenant());
    await Program.start({ databaseUrl: database.url, rabbitmqUrl: proxy.url });
  });

  afterAll(async () => {
    await Program.killAll();
    await proxy.stop();
    await broker.close();
    await database.drop();
  });

  const shares = async (): Promise<number[]> => sharesOf(await ownersOf(other.api, tenantIds));

  async function expectOneConsumerEach(): Promise<void> {
    expect(await consumerCounts(broker, tenantIds)).toEqual(tenantIds.map(() => 1));
  }

  it('its tenants go on at another, and half of them come back with it', async () => {
    await eventually(async () => expect(await shares()).toEqual([TENANTS / 2, TENANTS / 2]));
    proxy.cut();
    await eventually(async () => expect(await shares()).toEqual([TENANTS]));
    await expectOneConsumerEach();
    proxy.restore();
    await eventually(async () => expect(await shares()).toEqual([TENANTS / 2, TENANTS / 2]));
    await expectOneConsumerEach();
  });
});
