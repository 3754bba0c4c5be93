import { LocalStack, type Statistics } from '@app/local-stack';
import { connect } from 'amqplib';
import { Client } from 'pg';
import { machineLine } from './figures';

/** The servers of a run. */
export interface Servers {
  readonly databaseUrl: string;
  readonly rabbitmqUrl: string;
  readonly client: Client;
  /** Undefined for a broker in a container: its process is not ours to look at. */
  readonly pids?: { readonly database: number; readonly broker: number };
  /** The folder of the database's data and log. */
  readonly dataDir?: string;
  /** Of the broker's management API. */
  readonly managementUrl?: string;
}

/**
 * Empty ones for every benchmark, so that none measures what another one left; and never those that
 * the environment names, whose messages a benchmark would remove.
 */
export async function withServers<Result>(
  statistics: Statistics,
  work: (servers: Servers) => Promise<Result>,
): Promise<Result> {
  const stack = await LocalStack.start({ statistics });
  const client = new Client({ connectionString: stack.databaseUrl });
  await client.connect();
  try {
    return await work({ ...ownServers(stack), ...urls(stack), client });
  } finally {
    await client.end();
    await stack.stop();
  }
}

const urls = ({
  databaseUrl,
  rabbitmqUrl,
}: LocalStack): { databaseUrl: string; rabbitmqUrl: string } => ({
  databaseUrl,
  rabbitmqUrl,
});

/** A broker in a container has a process, but not one that is ours. */
function ownServers(stack: LocalStack): Partial<Servers> {
  const { postgres, rabbitmq, rabbitmqManagementUrl: managementUrl, dataDir } = stack;
  const broker = rabbitmq && 'pid' in rabbitmq ? (rabbitmq.pid as number) : undefined;
  return {
    ...(postgres && { dataDir }),
    ...(managementUrl && { managementUrl }),
    ...(postgres && broker !== undefined && { pids: { database: postgres.pid, broker } }),
  };
}

export async function machineOf({ client, rabbitmqUrl }: Servers): Promise<string> {
  const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
  const connection = await connect(rabbitmqUrl);
  const { version } = connection.connection.serverProperties as { version: string };
  await connection.close();
  return machineLine(rows[0]?.server_version ?? '', version);
}
