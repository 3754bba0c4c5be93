import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { topology } from '@app/broker';
import { RabbitmqServer } from '@app/local-stack';
import type { ProblemBody } from './support/api';
import { TestDatabase } from './support/database';
import { eventually, throughout } from './support/eventually';
import { account, ALL_ONCE } from './support/load';
import { expectRefusal } from './support/outage';
import { Program } from './support/program';
import { rabbitmqctl } from './support/rabbitmqctl';
import { timed } from './support/timed';

describe('a queue that confirms nothing', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'messaging-test-broker-'));
  let server: RabbitmqServer;
  let database: TestDatabase;
  let program: Program;

  beforeAll(async () => {
    database = await TestDatabase.create();
    server = await RabbitmqServer.start({ dataDir, log: () => undefined });
    program = await Program.start({ databaseUrl: database.url, rabbitmqUrl: server.url });
  });

  afterAll(async () => {
    await Program.killAll();
    await server.stop();
    await database.drop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  /** Has the broker's process of a tenant's queue stand still, or go on. */
  async function tell(tenantId: string, what: 'suspend' | 'resume'): Promise<void> {
    const name = `rabbit_misc:r(<<"/">>, queue, <<"${topology.queueFor(tenantId)}">>)`;
    const queue = `{ok, Queue} = rabbit_amqqueue:lookup(${name})`;
    await rabbitmqctl(server, 'eval', `${queue}, sys:${what}(amqqueue:get_pid(Queue)).`);
  }

  it('holds up nobody else: what others send meanwhile is accepted, and stored', async () => {
    const silent = await program.api.createTenant();
    const other = await program.api.createTenant();
    // The first message of a channel to a queue introduces it there, and waits for an answer.
    await program.api.send(silent, 'first');
    await tell(silent, 'suspend');
    const messages = Array.from({ length: 20 }, (_, payload) => ({ payload }));
    const path = `/api/tenants/${silent}/messages/batch`;
    const refused = timed(program.api.request<ProblemBody>('POST', path, { messages }));
    const accepted: string[] = [];
    await throughout(refused, async () => {
      accepted.push(await program.api.send(other, accepted.length));
    });
    expectRefusal(await refused);
    expect(accepted.length).toBeGreaterThan(1);
    await eventually(async () => expect(await account(database, accepted)).toEqual(ALL_ONCE));

    await tell(silent, 'resume');
    const again = await eventually(() => program.api.send(silent, 'again'));
    await eventually(async () => expect(await account(database, [again])).toEqual(ALL_ONCE));
  });
});
