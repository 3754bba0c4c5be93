export type { BrokerConnection } from './broker-connection';
export { BrokerUnavailable, isQueueMissing } from './broker-errors';
export { BrokerModule } from './broker.module';
export { ConfirmedPublisher, type Publishing, type PublishOutcome } from './confirmed-publisher';
export { ConsumerConnections, type Place } from './consumer-connections';
export { ConsumingConnection, reconnectAfterSeconds } from './connections';
export { atMost, within } from './deadline';
export { TenantQueues } from './tenant-queues';
export { declareControlQueue, topology } from './topology';
