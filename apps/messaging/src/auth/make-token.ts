import { parseArgs } from 'node:util';
import { InvalidEnvironment, loadTokenSettings } from '@app/config';
import { uuidIn } from '@app/paging';
import { type Bearer, DEFAULT_EXPIRES_IN, MAX_EXPIRES_IN, signToken } from './sign-token';

const USAGE = `usage: npm run token -- --admin [--expires-in SECONDS]
       npm run token -- --tenant TENANT_ID [--expires-in SECONDS]
It is signed with JWT_SECRET; JWT_ISSUER and JWT_AUDIENCE go in when they are set.`;

/** The first token, which nobody can ask the service for. Writes the token, and nothing else, to stdout. */
async function main(args: string[]): Promise<void> {
  const { bearer, expiresIn } = understand(args);
  const settings = loadTokenSettings(process.env, process.cwd());
  const now = Math.floor(Date.now() / 1000);
  process.stdout.write(`${await signToken(settings, bearer, now, expiresIn)}\n`);
}

function understand(args: string[]): { bearer: Bearer; expiresIn: number } {
  const { values } = parseArgs({
    args,
    options: {
      admin: { type: 'boolean', default: false },
      tenant: { type: 'string' },
      'expires-in': { type: 'string', default: String(DEFAULT_EXPIRES_IN) },
    },
  });
  const expiresIn = Number(values['expires-in']);
  if (!Number.isInteger(expiresIn) || expiresIn < 1 || expiresIn > MAX_EXPIRES_IN)
    throw new TypeError(`--expires-in must be a whole number from 1 to ${MAX_EXPIRES_IN}`);
  return { bearer: bearerOf(values.admin, values.tenant), expiresIn };
}

function bearerOf(admin: boolean, tenant: string | undefined): Bearer {
  if (admin === (tenant !== undefined)) throw new TypeError('Name one of --admin and --tenant');
  if (admin) return { scope: 'admin' };
  const tenantId = uuidIn(tenant);
  if (tenantId === undefined) throw new TypeError('--tenant must be a UUID');
  return { scope: 'tenant', tenant_id: tenantId };
}

main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof TypeError || error instanceof InvalidEnvironment)) throw error;
  process.stderr.write(`${error.message}\n${error instanceof TypeError ? `${USAGE}\n` : ''}`);
  process.exitCode = 1;
});
