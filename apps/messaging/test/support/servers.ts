/** Where the servers of this run are; the set-up passes it on in the environment of the tests. */
export interface Servers {
  readonly databaseUrl: string;
  readonly rabbitmqUrl: string;
  /** Of the management plugin; '' when the broker of the environment has none that we know of. */
  readonly managementUrl: string;
}

const VARIABLE = 'MESSAGING_TEST_SERVERS';

export function keepServers(servers: Servers): void {
  process.env[VARIABLE] = JSON.stringify(servers);
}

export function servers(): Servers {
  const kept = process.env[VARIABLE];
  if (!kept)
    throw new Error('The end-to-end tests are run by `npm test`, which starts the servers');
  return JSON.parse(kept) as Servers;
}
