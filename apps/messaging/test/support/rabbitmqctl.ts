import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Broker, RabbitmqServer } from '@app/local-stack';
import { environmentOf } from './process';

/** The node's own command line tool, in the node's own environment: its name, cookie and epmd. */
export async function rabbitmqctl(server: Broker, ...args: string[]): Promise<void> {
  if (!(server instanceof RabbitmqServer)) throw new Error('It is for an installed RabbitMQ');
  const env = environmentOf(server.pid);
  const plugins = (env['ERL_LIBS'] ?? '').split(':')[0] ?? '';
  const command = join(dirname(plugins), 'sbin', 'rabbitmqctl');
  await promisify(execFile)(command, args, { env });
}
