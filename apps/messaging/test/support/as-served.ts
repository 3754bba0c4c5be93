import { SERVING_ROLE, FOR_TENANT } from '@app/database';
import type { Client } from 'pg';

/** Does `work` as the program would for a tenant, or for nobody; what it changed is taken back. */
export async function asServed<Result>(
  client: Client,
  tenantId: string | undefined,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  await client.query(`BEGIN; SET LOCAL ROLE ${SERVING_ROLE}`);
  try {
    if (tenantId) await client.query(FOR_TENANT, [tenantId, '0']);
    return await work(client);
  } finally {
    await client.query('ROLLBACK');
  }
}
