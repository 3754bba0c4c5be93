import { createServer } from 'node:net';
import { freePorts, isPortFree } from './free-port';

it('gives different ports, on which one can listen', async () => {
  const ports = await freePorts(3);
  expect(new Set(ports).size).toBe(3);
  await expect(Promise.all(ports.map((port) => isPortFree(port)))).resolves.toEqual([
    true,
    true,
    true,
  ]);
});

it('tells a taken port from a free one', async () => {
  const [port] = await freePorts(1);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  await expect(isPortFree(port)).resolves.toBe(false);
  server.close();
});
