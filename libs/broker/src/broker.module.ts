import { Global, Module } from '@nestjs/common';
import { ConfirmedPublisher } from './confirmed-publisher';
import { ConsumingConnectionModule, PublishingConnectionModule } from './connections';
import { TenantQueues } from './tenant-queues';

@Global()
@Module({
  imports: [PublishingConnectionModule, ConsumingConnectionModule],
  providers: [ConfirmedPublisher, TenantQueues],
  exports: [
    PublishingConnectionModule,
    ConsumingConnectionModule,
    ConfirmedPublisher,
    TenantQueues,
  ],
})
export class BrokerModule {}
