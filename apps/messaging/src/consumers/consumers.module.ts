import { Module } from '@nestjs/common';
import { DeadLettersModule } from '../dead-letters/dead-letters.module';
import { MessagesModule } from '../messages/messages.module';
import { TenantsModule } from '../tenants/tenants.module';
import { BatchTraces } from './batch-traces';
import { ConsumerRegistry } from './consumer-registry.service';
import { ControlEventsController } from './control-events';
import { DeadLetterBurial } from './dead-letter-burial';
import { DeadLetterConsumer } from './dead-letter-consumer.service';
import { LastDelivered } from './last-delivered';
import { MessageWriter } from './message-writer';
import { Reconciliation } from './reconciliation.service';
import { Replica } from './replica.service';
import { UntilAnswered } from './until-answered';
import { WriterLanes } from './writer-lanes';

/** The role `consumer`. */
@Module({
  imports: [TenantsModule, MessagesModule, DeadLettersModule],
  controllers: [ControlEventsController],
  providers: [
    ConsumerRegistry,
    Reconciliation,
    Replica,
    WriterLanes,
    MessageWriter,
    UntilAnswered,
    DeadLetterConsumer,
    DeadLetterBurial,
    LastDelivered,
    BatchTraces,
  ],
  exports: [Reconciliation, ConsumerRegistry, LastDelivered],
})
export class ConsumersModule {}
