import { Module } from '@nestjs/common';
import { MessagesModule } from '../messages/messages.module';
import { TenantsModule } from '../tenants/tenants.module';
import { DeadLetterStore } from './dead-letter.store';
import { Redrive } from './redrive.service';

@Module({
  imports: [TenantsModule, MessagesModule],
  providers: [DeadLetterStore, Redrive],
  exports: [DeadLetterStore, Redrive],
})
export class DeadLettersModule {}
