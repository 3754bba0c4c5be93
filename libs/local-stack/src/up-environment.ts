import { freePort, isPortFree } from './free-port';

const usualPort = 3_000;

/** Where the program is to listen. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The port that was asked for by name is not to be had. */
export class PortTaken extends Error {
  override readonly name = 'PortTaken';
  constructor(readonly port: number) {
    super(`PORT is ${port}, and something else listens there. Stop it, or choose another PORT.`);
  }
}

/**
 * The address that the environment names; otherwise port 3000, or a free one when that is taken.
 * @throws PortTaken
 */
export async function chooseAddress(log: (line: string) => void): Promise<Address> {
  const host = chooseHost(log);
  const wanted = Number(process.env.PORT || usualPort);
  if (await isPortFree(wanted, host)) return { host, port: wanted };
  if (process.env.PORT) throw new PortTaken(wanted);
  const port = await freePort(host);
  log(`port ${usualPort} is taken: using ${port}`);
  return { host, port };
}

/** Without authentication only this machine may come in, unless one says so twice. */
function chooseHost(log: (line: string) => void): string {
  const { HOST, AUTH_OFF_ANYWHERE } = process.env;
  if (!HOST || AUTH_OFF_ANYWHERE === 'true' || isLoopback(HOST)) return HOST || '127.0.0.1';
  log(`HOST=${HOST} is not used: without authentication it listens on 127.0.0.1`);
  return '127.0.0.1';
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/** For clients on this machine. */
export function baseUrl({ host, port }: Address): string {
  const anywhere = host === '0.0.0.0' || host === '::';
  const name = anywhere ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

export function programEnvironment(
  { host, port }: Address,
  { databaseUrl, rabbitmqUrl }: { databaseUrl: string; rabbitmqUrl: string },
): NodeJS.ProcessEnv {
  return {
    LOG_LEVEL: 'warn',
    LOG_PRETTY: 'true',
    ...process.env,
    HOST: host,
    PORT: String(port),
    DATABASE_URL: databaseUrl,
    RABBITMQ_URL: rabbitmqUrl,
    MIGRATE_ON_START: 'true',
    AUTH_MODE: 'off',
  };
}
