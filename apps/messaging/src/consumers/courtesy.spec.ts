import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { HttpAdapterHost } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { Courtesy } from './courtesy';
import { RequestsUnderWay } from './requests-under-way';

const [SMALL, LARGE] = [10, 11];

describe('courtesy', () => {
  let fastify: FastifyInstance;
  let requests: RequestsUnderWay;
  let courtesy: Courtesy;
  let answer: () => void;
  let arrived: Promise<void>;
  let handled: number;
  /** Who has passed it is let in, as by a token that was checked. */
  let door: Promise<void>;

  beforeEach(async () => {
    const host = new HttpAdapterHost<FastifyAdapter>();
    host.httpAdapter = new FastifyAdapter();
    fastify = host.httpAdapter.getInstance<FastifyInstance>();
    requests = new RequestsUnderWay(host);
    courtesy = new Courtesy(requests);
    door = Promise.resolve();
    fastify.addHook('onRequest', () => door);
    handled = 0;
    arrived = new Promise((resolve) => {
      const held = new Promise<void>((release) => (answer = release));
      fastify.route({
        method: ['GET', 'POST'],
        url: '/',
        handler: async () => {
          handled++;
          resolve();
          await held;
          return 'done';
        },
      });
    });
    await fastify.listen({ port: 0, host: '127.0.0.1' });
  });

  afterEach(() => fastify.close());

  const url = (): string => `http://127.0.0.1:${(fastify.server.address() as AddressInfo).port}/`;

  /** @returns what opens the door again */
  function hold(): () => void {
    let open = (): void => undefined;
    door = new Promise((resolve) => (open = resolve));
    return open;
  }

  async function untilNothingIsLeft(): Promise<void> {
    while (requests.any || courtesy.doOthersWait()) await new Promise(setImmediate);
  }

  it('leaves nothing where only large tenants are', () => {
    courtesy.joined(LARGE);
    expect(courtesy.doOthersWait()).toBe(false);
    expect(courtesy.sliceMs).toBe(Infinity);
    expect(courtesy.resultsAtATime).toBe(Infinity);
  });

  const doesLittleInATurn = (): boolean =>
    Number.isFinite(courtesy.sliceMs) && Number.isFinite(courtesy.resultsAtATime);

  it('does little in a turn of the loop as long as a small tenant is there', () => {
    courtesy.joined(SMALL);
    courtesy.joined(LARGE);
    courtesy.left(LARGE);
    expect(courtesy.doOthersWait()).toBe(false);
    expect(doesLittleInATurn()).toBe(true);
    courtesy.left(SMALL);
    expect(doesLittleInATurn()).toBe(false);
  });

  it('leaves room while a message of a small tenant waits, and little longer', async () => {
    courtesy.joined(SMALL);
    let waits = true;
    courtesy.watch(() => waits);
    expect(courtesy.doOthersWait()).toBe(true);
    waits = false;
    await untilNothingIsLeft();
  });

  it('has a batch followed by a rest as long as it took, as far as the share of the time allows it', async () => {
    courtesy.joined(SMALL);
    courtesy.watch(() => true);
    while (courtesy.restAfter(1) === 0) await new Promise(setImmediate);
    expect(courtesy.restAfter(1)).toBe(0);
  });

  it('has large tenants rest for nobody who does not wait', async () => {
    courtesy.joined(SMALL);
    let waits = false;
    courtesy.watch(() => waits);
    const start = performance.now();
    while (performance.now() - start < 50) {
      expect(courtesy.restAfter(1)).toBe(0);
      await new Promise(setImmediate);
    }
    waits = true;
    expect(courtesy.restAfter(1)).toBe(1);
  });

  it('leaves room while a request is under way, and little longer', async () => {
    const asked = fetch(url());
    await arrived;
    expect(courtesy.doOthersWait()).toBe(true);
    expect(doesLittleInATurn()).toBe(true);
    answer();
    expect((await asked).status).toBe(200);
    await untilNothingIsLeft();
    expect(doesLittleInATurn()).toBe(false);
  });

  async function call(text: string): Promise<Socket> {
    const caller = connect(Number(new URL(url()).port), '127.0.0.1');
    await once(caller, 'connect');
    caller.write(text);
    return caller;
  }

  it('waits for no caller who has not sent all of his request', async () => {
    const seen = once(fastify.server, 'request');
    const caller = await call(
      'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n1',
    );
    await seen;
    expect(courtesy.doOthersWait()).toBe(false);
    caller.write('2');
    await arrived;
    expect(courtesy.doOthersWait()).toBe(true);
    answer();
    await untilNothingIsLeft();
    caller.destroy();
  });

  it('waits for no caller who has gone away before he was let in', async () => {
    const seen = once(fastify.server, 'request') as Promise<[unknown, ServerResponse]>;
    const letIn = hold();
    const caller = await call('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const [, response] = await seen;
    const closed = once(response, 'close');
    caller.destroy();
    await closed;
    letIn();
    await arrived;
    expect(courtesy.doOthersWait()).toBe(false);
    answer();
  });

  it.each([1, 3])('waits for no caller who has gone away with %d requests', async (count) => {
    const caller = await call('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(count));
    while (handled < count) await new Promise(setImmediate);
    expect(courtesy.doOthersWait()).toBe(true);
    caller.destroy();
    await untilNothingIsLeft();
    expect(courtesy.doOthersWait()).toBe(false);
    answer();
  });
});
