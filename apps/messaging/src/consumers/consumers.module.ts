import { Module } from '@nestjs/common';
import { DeadLettersModule } from '../dead-letters/dead-letters.module';
import { MessagesModule } from '../messages/messages.module';
import { TenantsModule } from '../tenants/tenants.module';
import { BatchTraces } from './batch-traces';
import { ConsumerReporter } from './consumer-reporter.service';
import { ConsumerRegistry } from './consumer-registry.service';
import { ControlEventsController } from './control-events';
import { Courtesy } from './courtesy';
import { DeadLetterBurial } from './dead-letter-burial';
import { DeadLetterConsumer } from './dead-letter-consumer.service';
import { DeliveryLimit } from './delivery-limit';
import { LastDelivered } from './last-delivered';
import { MessageWriter } from './message-writer';
import { Ownership } from './ownership.service';
import { Reconciliation } from './reconciliation.service';
import { RequestsUnderWay } from './requests-under-way';
import { StoringFailures } from './storing-failures';
import { TenantLeases } from './tenant-leases';
import { UncountedRedeliveries } from './uncounted-redeliveries';
import { UntilAnswered } from './until-answered';
import { WriterLanes } from './writer-lanes';

/** The role `consumer`. */
@Module({
  imports: [TenantsModule, MessagesModule, DeadLettersModule],
  controllers: [ControlEventsController],
  providers: [
    ConsumerRegistry,
    Reconciliation,
    Ownership,
    TenantLeases,
    ConsumerReporter,
    WriterLanes,
    Courtesy,
    RequestsUnderWay,
    MessageWriter,
    StoringFailures,
    UntilAnswered,
    DeadLetterConsumer,
    DeadLetterBurial,
    DeliveryLimit,
    UncountedRedeliveries,
    LastDelivered,
    BatchTraces,
  ],
  exports: [Reconciliation, ConsumerRegistry, Ownership, LastDelivered],
})
export class ConsumersModule {}
