import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { TenantsModule } from '../tenants/tenants.module';
import { Message } from './message.entity';
import { MessageTraces } from './message-traces';
import { MessagePublisher } from './message.publisher';
import { MessageStore } from './message.store';

@Module({
  imports: [TenantsModule, TypeOrmModule.forFeature([Message])],
  providers: [MessagePublisher, MessageStore, MessageTraces],
  exports: [MessagePublisher, MessageStore],
})
export class MessagesModule {}
