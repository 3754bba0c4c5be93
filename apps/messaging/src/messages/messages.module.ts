import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { LimitsModule } from '../tenants/limits/limits.module';
import { TenantsModule } from '../tenants/tenants.module';
import { Message } from './message.entity';
import { MessagePublisher } from './message.publisher';
import { MessageStore } from './message.store';

@Module({
  imports: [TenantsModule, LimitsModule, TypeOrmModule.forFeature([Message])],
  providers: [MessagePublisher, MessageStore],
  exports: [MessagePublisher, MessageStore],
})
export class MessagesModule {}
