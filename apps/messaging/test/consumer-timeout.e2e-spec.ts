import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { RabbitmqServer } from '@app/local-stack';
import type { Page } from './support/api';
import { TestBroker } from './support/broker';
import { TestDatabase } from './support/database';
import { eventually, throughout } from './support/eventually';
import { account, ALL_ONCE } from './support/load';
import { Program } from './support/program';
import { rabbitmqctl } from './support/rabbitmqctl';
import { StoringLock } from './support/storing-lock';

/** Half an hour by default. */
const CONSUMER_TIMEOUT_MS = 1_000;
/** How often a channel looks for what is unacknowledged too long: once a minute by default. */
const LOOKS_EVERY_MS = 500;

const timedOut = /broke:.*acknowledgement.*timed out/gi;

describe("a message that takes longer to store than the broker's consumer_timeout", () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'messaging-test-broker-'));
  let server: RabbitmqServer;
  let database: TestDatabase;
  let broker: TestBroker;
  let program: Program;
  let tenantId: string;
  let ids: string[];
  let lock: StoringLock;

  beforeAll(async () => {
    database = await TestDatabase.create();
    const settings = { consumer_timeout: String(CONSUMER_TIMEOUT_MS) };
    server = await RabbitmqServer.start({ dataDir, settings, log: () => undefined });
    const tick = `application:set_env(rabbit, channel_tick_interval, ${LOOKS_EVERY_MS}).`;
    await rabbitmqctl(server, 'eval', tick);
    broker = await TestBroker.connect(server.url);
    program = await Program.start({
      databaseUrl: database.url,
      rabbitmqUrl: server.url,
      // One redelivery is allowed; a second one would make a dead letter.
      env: { DEAD_LETTER_AFTER: '2' },
    });
    tenantId = await program.api.createTenant(3);
    lock = await StoringLock.hold(database, tenantId);
    ids = await program.api.sendBatch(tenantId, [...Array(20).keys()]);
  });

  afterAll(async () => {
    await Program.killAll();
    await StoringLock.releaseAll();
    await broker.close();
    await server.stop();
    await database.drop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('loses its consumer, once: the next one would only take the same and lose it too', async () => {
    await eventually(() => expect(program.output.match(timedOut)).toHaveLength(1));
    const everythingWaits = async (): Promise<void> =>
      expect(await broker.queue(tenantId)).toEqual({ ready: 20, consumers: 0 });
    await eventually(everythingWaits);
    await throughout(delay(3 * CONSUMER_TIMEOUT_MS), everythingWaits);
    expect(program.output.match(timedOut)).toHaveLength(1);
  });

  it('is stored once, and its consumer is back by itself', async () => {
    await lock.release();
    await eventually(
      async () => expect(await broker.queue(tenantId)).toEqual({ ready: 0, consumers: 1 }),
      { withinMs: 10_000 },
    );
    await eventually(async () => expect(await account(database, ids)).toEqual(ALL_ONCE));
    expect(await database.stored(tenantId)).toBe(ids.length);
  });

  it('does not become a dead letter', async () => {
    const path = `/api/tenants/${tenantId}/dead-letters`;
    const { body } = await program.api.get<Page<unknown>>(path);
    expect(body.data).toEqual([]);
    expect(await broker.channel.get('messaging.dead-letters')).toBe(false);
  });
});
