import 'reflect-metadata';
import { migrationOptions, PatientDataSource } from '@app/database';
import { Message } from './apps/messaging/src/messages/message.entity';
import { Tenant } from './apps/messaging/src/tenants/tenant.entity';

const url = process.env['DATABASE_URL'];
if (!url) throw new Error('DATABASE_URL must be set, to a URL such as postgres://user@host/db');

/** What TypeORM's command line works on: `npm run migration:run`, `:revert`, `:generate`. */
export default new PatientDataSource({ ...migrationOptions(url), entities: [Tenant, Message] });
