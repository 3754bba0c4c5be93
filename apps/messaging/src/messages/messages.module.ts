import { Module } from '@nestjs/common';
import { LimitsModule } from '../tenants/limits/limits.module';
import { TenantsModule } from '../tenants/tenants.module';
import { MessageTraces } from './message-traces';
import { MessagePublisher } from './message.publisher';
import { MessageStore } from './message.store';

@Module({
  imports: [TenantsModule, LimitsModule],
  providers: [MessagePublisher, MessageStore, MessageTraces],
  exports: [MessagePublisher, MessageStore],
})
export class MessagesModule {}
