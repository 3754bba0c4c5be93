import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { coalesceWrites } from './coalesced-writes';

describe('writes to a socket', () => {
  let server: Server;
  let socket: Socket;
  let received: Promise<string>;

  beforeEach(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    received = once(server, 'connection').then(async ([peer]: Socket[]) => {
      let text = '';
      for await (const chunk of peer ?? []) text += String(chunk);
      return text;
    });
    socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
  });

  afterEach(() => {
    socket.destroy();
    server.close();
  });

  /** How often the socket hands something to the system. */
  function handedOver(): () => number {
    const single = jest.spyOn(socket, '_write');
    const several = jest.spyOn(socket, '_writev' as '_write');
    return () => single.mock.calls.length + several.mock.calls.length;
  }

  it('of one turn go out together, in their order', async () => {
    coalesceWrites(socket);
    const count = handedOver();
    for (let at = 0; at < 10; at++) socket.write(String(at));
    await new Promise(setImmediate);
    expect(count()).toBe(1);
    for (const text of ['a', 'b']) socket.write(text);
    await new Promise(setImmediate);
    expect(count()).toBe(2);
    socket.end('!');
    expect(await received).toBe('0123456789ab!');
  });

  it('go out one by one otherwise', async () => {
    const count = handedOver();
    for (let at = 0; at < 10; at++) socket.write(String(at));
    await new Promise(setImmediate);
    expect(count()).toBe(10);
  });
});
