import { join } from 'node:path';
import type { Broker } from './broker';
import { RabbitmqContainer } from './rabbitmq-container';
import { RabbitmqServer } from './rabbitmq-server';
import { findRabbitmq } from './rabbitmq-source';
import type { Statistics } from './rabbitmq-statistics';
import type { Watchdog } from './watchdog';

export interface StartBrokerOptions {
  dataDir: string;
  log: (line: string) => void;
  watchdog: Watchdog;
  statistics?: Statistics | undefined;
}

/**
 * A private RabbitMQ from wherever there is one.
 * @throws RabbitmqNotFound, AptInstallFailed, ServerDied, ServerNotReady
 */
export async function startBroker(options: StartBrokerOptions): Promise<Broker> {
  const source = await findRabbitmq(options.log);
  // Each has a folder of its own: the two may be of different versions.
  const dataDir = join(options.dataDir, source);
  switch (source) {
    case 'installed':
      return RabbitmqServer.start({ ...options, dataDir });
    case 'docker':
      return RabbitmqContainer.start({ ...options, dataDir });
  }
}

/** Stops what an earlier, killed run left; a container the watchdog or the name takes care of. */
export function stopLeftOverBroker(dataDir: string, log: (line: string) => void): Promise<void> {
  return RabbitmqServer.stopLeftOver(join(dataDir, 'installed'), log);
}
