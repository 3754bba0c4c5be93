import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SigningKey } from './tokens';

/** A real key server, whose keys change and which can be stopped and started again. */
export class TestKeyServer {
  asked = 0;
  keys: readonly SigningKey[] = [];
  /** Answers in place of the keys. */
  instead: ((response: ServerResponse) => void) | undefined;
  private port = 0;
  private server: Server | undefined;

  static async start(...keys: SigningKey[]): Promise<TestKeyServer> {
    const server = new TestKeyServer();
    server.keys = keys;
    await server.start();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/jwks`;
  }

  get isDown(): boolean {
    return !this.server?.listening;
  }

  async start(): Promise<void> {
    this.server = createServer((_request, response) => {
      this.asked++;
      if (this.instead) return this.instead(response);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ keys: this.keys.map(({ jwk }) => jwk) }));
    });
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const { server } = this;
    if (!server?.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }
}
