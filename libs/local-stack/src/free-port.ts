import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';

// Below the ranges from which the kernel takes ports for outgoing connections (Linux: from
// 32768, macOS: from 49152), so that none of those grabs a port between this look and its use.
const LOWEST_PORT = 20_000;
const HIGHEST_PORT = 30_000;

/** A TCP port on which nothing listens at present. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const [port] = await freePorts(1, host);
  return port;
}

/** Several different free ports. */
export async function freePorts(count: 1, host?: string): Promise<[number]>;
export async function freePorts(count: 3, host?: string): Promise<[number, number, number]>;
export async function freePorts(count: number, host?: string): Promise<number[]>;
export async function freePorts(count: number, host = '127.0.0.1'): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT);
    if (await isPortFree(port, host)) ports.add(port);
  }
  return [...ports];
}

/** Whether one could listen on this port now. */
export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  const server = createServer();
  try {
    await listen(server, port, host);
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}
