import { Module } from '@nestjs/common';
import { TenantsModule } from '../tenants/tenants.module';
import { MessagePublisher } from './message.publisher';
import { MessageStore } from './message.store';

@Module({
  imports: [TenantsModule],
  providers: [MessagePublisher, MessageStore],
  exports: [MessagePublisher, MessageStore],
})
export class MessagesModule {}
