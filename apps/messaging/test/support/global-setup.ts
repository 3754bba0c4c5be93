// Jest resolves no aliases here.
import { LocalStack } from '../../../../libs/local-stack/src';
import { keepServers, type Servers } from './servers';

declare global {
  var localStack: LocalStack | undefined;
}

/** Real servers for the whole run, on free ports; those of the environment when it names them. */
export default async function setUp(): Promise<void> {
  const { DATABASE_URL, RABBITMQ_URL, RABBITMQ_MANAGEMENT_URL } = process.env;
  const stack = await LocalStack.start({
    env: { DATABASE_URL, RABBITMQ_URL },
    statistics: 'everything each second',
    log: (line) => process.stdout.write(`${line}\n`),
  });
  globalThis.localStack = stack;
  const servers: Servers = {
    databaseUrl: stack.databaseUrl,
    rabbitmqUrl: stack.rabbitmqUrl,
    managementUrl: stack.rabbitmqManagementUrl ?? RABBITMQ_MANAGEMENT_URL ?? '',
  };
  keepServers(servers);
}
