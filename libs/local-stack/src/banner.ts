import { randomInt } from 'node:crypto';

const letters = 'abcdefghijkmnpqrstuvwxyz23456789';

/** What a newcomer needs: where it is, and three lines to paste one after the other. */
export function banner(baseUrl: string): string {
  return [
    '',
    `  Running on ${baseUrl}, for this machine only, with authentication off.`,
    `  Swagger UI: ${baseUrl}/api/docs`,
    '',
    '  Create a tenant, send it a message, read it back:',
    '',
    ...curlLines(baseUrl),
    '',
    '  Ctrl-C stops everything; the data stays in .data/.',
    '',
  ].join('\n');
}

/** The lines work in sh, bash and zsh, and need no jq. */
function curlLines(baseUrl: string): string[] {
  const tenants = `${baseUrl}/api/tenants`;
  // Tenants stay from run to run, and their names are unique.
  const tenant = JSON.stringify({ name: `acme-${randomLetters(4)}`, workers: 3 });
  const message = JSON.stringify({ payload: { hello: 'world' }, type: 'greeting' });
  const json = `-H 'content-type: application/json'`;
  const id = `sed -E 's/.*"tenant_id":"([^"]+)".*/\\1/'`;
  return [
    `TENANT=$(curl -s ${tenants} ${json} -d '${tenant}' | ${id}); echo $TENANT`,
    `curl -s ${tenants}/$TENANT/messages ${json} -d '${message}'; echo`,
    `curl -s ${tenants}/$TENANT/messages; echo`,
  ];
}

function randomLetters(count: number): string {
  return Array.from({ length: count }, () => letters[randomInt(letters.length)]).join('');
}
