import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Answer } from './api';
import { eventually } from './eventually';

/** A caller that writes bytes as it likes; what comes back is kept from the first byte on. */
export class RawClient {
  private static readonly open = new Set<RawClient>();
  received = '';
  /** Its end, by whoever; never rejects. */
  readonly closed: Promise<void>;

  private constructor(private readonly socket: Socket) {
    RawClient.open.add(this);
    socket.on('data', (chunk: Buffer) => (this.received += chunk.toString()));
    socket.on('error', () => undefined);
    // Not `once` of node:events, which an error ends.
    this.closed = new Promise<void>((resolve) => socket.once('close', () => resolve())).then(
      () => void RawClient.open.delete(this),
    );
  }

  /** @returns one that is connected, as far as TCP knows */
  static async connect(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    const client = new RawClient(socket);
    await Promise.race([once(socket, 'connect').catch(() => undefined), client.closed]);
    return client;
  }

  static async closeAll(): Promise<void> {
    await Promise.all([...RawClient.open].map((client) => client.close()));
  }

  get isOpen(): boolean {
    return RawClient.open.has(this);
  }

  /** The status of the first answer; 0 while there is none. */
  get status(): number {
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(this.received)?.[1] ?? 0);
  }

  /** The only answer, once all of it has come. */
  async answer(): Promise<Answer> {
    const [head = '', text = ''] = await eventually(() => {
      const parts = this.received.split('\r\n\r\n');
      expect(parts[1]).toMatch(/\}$/);
      return parts;
    });
    const lines = head.split('\r\n').slice(1);
    const headers = new Headers(lines.map((line) => line.split(': ', 2) as [string, string]));
    return { status: this.status, headers, body: JSON.parse(text) as unknown };
  }

  /** Resolves when the system has taken all of it, or the connection is gone. */
  async write(data: string | Buffer): Promise<void> {
    await new Promise<void>((taken) => this.socket.write(data, () => taken()));
    // What is taken at once would otherwise leave nobody else a turn.
    await new Promise(setImmediate);
  }

  /** Reads nothing of what comes until {@link listen}. */
  deafen(): void {
    this.socket.pause();
  }

  listen(): void {
    this.socket.resume();
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }
}

/** The head of a request that posts a message. */
export function head(path: string, ...headers: string[]): string {
  const lines = [`POST ${path} HTTP/1.1`, 'host: test', 'content-type: application/json'];
  return [...lines, ...headers, '', ''].join('\r\n');
}
