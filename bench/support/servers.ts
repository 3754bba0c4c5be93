import { LocalStack } from '@app/local-stack';
import { connect } from 'amqplib';
import { Client } from 'pg';
import { machineLine } from './figures';

/** The servers of a run; those of the environment when it names them. */
export interface Servers {
  readonly databaseUrl: string;
  readonly rabbitmqUrl: string;
  readonly client: Client;
}

export async function withServers(work: (servers: Servers) => Promise<void>): Promise<void> {
  const { DATABASE_URL, RABBITMQ_URL } = process.env;
  const stack = await LocalStack.start({
    env: { DATABASE_URL, RABBITMQ_URL },
    log: (line) => process.stdout.write(`${line}\n`),
  });
  const { databaseUrl, rabbitmqUrl } = stack;
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await work({ databaseUrl, rabbitmqUrl, client });
  } finally {
    await client.end();
    await stack.stop();
  }
}

export async function machineOf({ client, rabbitmqUrl }: Servers): Promise<string> {
  const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
  const connection = await connect(rabbitmqUrl);
  const { version } = connection.connection.serverProperties as { version: string };
  await connection.close();
  return machineLine(rows[0]?.server_version ?? '', version);
}
