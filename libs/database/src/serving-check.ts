import { DataSource } from 'typeorm';
import { servingOptions } from './data-source-options';
import { SERVING_ROLE } from './serving-role';
import { onShortLived } from './short-lived';

/** The program's connections belong to somebody for whom row-level security does not hold. */
export class NotServingRole extends Error {
  constructor(role: string) {
    super(
      `connections serve as ${role} and not as ${SERVING_ROLE}: DATABASE_URL must not set options, ` +
        'and a pooler must pass the startup parameter of that name on',
    );
    this.name = 'NotServingRole';
  }
}

/**
 * Looks who the program is while it serves: `options` in the URL replace those that name the role,
 * and a pooler may drop them. It would then be the owner, before whom the second wall does not stand.
 *
 * @throws NotServingRole when it is not the role that serves
 */
export async function checkServingRole(url: string): Promise<void> {
  const [row] = await onShortLived(new DataSource(servingOptions(url, 1)), (dataSource) =>
    dataSource.query<{ role: string }[]>('SELECT current_user AS role'),
  );
  if (row?.role !== SERVING_ROLE) throw new NotServingRole(String(row?.role));
}
