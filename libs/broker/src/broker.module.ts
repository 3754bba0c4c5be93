import { Global, Module } from '@nestjs/common';
import { ConfirmedPublisher } from './confirmed-publisher';
import { ConsumerConnections } from './consumer-connections';
import { ConsumingConnectionModule, PublishingConnectionModule } from './connections';
import { TenantQueues } from './tenant-queues';

@Global()
@Module({
  imports: [PublishingConnectionModule, ConsumingConnectionModule],
  providers: [ConfirmedPublisher, ConsumerConnections, TenantQueues],
  exports: [
    PublishingConnectionModule,
    ConsumingConnectionModule,
    ConfirmedPublisher,
    ConsumerConnections,
    TenantQueues,
  ],
})
export class BrokerModule {}
