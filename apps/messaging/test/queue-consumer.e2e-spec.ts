import { randomUUID } from 'node:crypto';
import type { BrokerConnection } from '@app/broker';
import { type ChannelModel, connect } from 'amqplib';
import { AckRound } from '../src/consumers/ack-round';
import { type Begin, QueueConsumer } from '../src/consumers/queue-consumer';
import { eventually } from './support/eventually';
import { servers } from './support/servers';

/** Of its own, since what the program does with its queues is not what is looked at here. */
const QUEUE = `queue-consumer-${randomUUID()}`;
const MESSAGES = 3;

describe('a consumer whose deliveries wait for their turn', () => {
  let connection: ChannelModel;
  /** The handling of each delivery that waits. */
  let waiting: (() => void)[];
  let consumer: QueueConsumer;

  const begin: Begin = (handling) => void waiting.push(handling);
  /** Messages that are left, once nothing is in hand: until then the queue keeps even a cancelled consumer. */
  const left = (): Promise<number> =>
    eventually(async () => {
      const channel = await connection.createChannel();
      const { messageCount, consumerCount } = await channel.checkQueue(QUEUE);
      await channel.close();
      expect(consumerCount).toBe(0);
      return messageCount;
    });

  beforeEach(async () => {
    connection = await connect(servers().rabbitmqUrl);
    const channel = await connection.createConfirmChannel();
    await channel.assertQueue(QUEUE, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
    for (let i = 0; i < MESSAGES; i++) channel.sendToQueue(QUEUE, Buffer.from('{}'));
    await channel.waitForConfirms();
    await channel.close();
    waiting = [];
    consumer = new QueueConsumer({
      connection: { openChannel: () => connection.createChannel() } as unknown as BrokerConnection,
      queue: QUEUE,
      prefetch: MESSAGES,
      round: new AckRound(),
      begin,
      handle: () => Promise.resolve({ kind: 'stored' }),
      onFailed: () => undefined,
      onBroken: () => undefined,
    });
    await consumer.start();
    await eventually(() => expect(waiting).toHaveLength(MESSAGES));
  });

  afterEach(async () => {
    const channel = await connection.createChannel();
    await channel.deleteQueue(QUEUE);
    await connection.close();
  });

  it('has them in hand, and waits for them when it is stopped', async () => {
    const stopped = consumer.stop();
    await consumer.cancel();
    expect(consumer.unsettled).toBe(MESSAGES);
    for (const handling of waiting) handling();
    await stopped;
    expect(await left()).toBe(0);
  });

  it('gives them back when it is dropped', async () => {
    await consumer.drop();
    expect(await left()).toBe(MESSAGES);
  });
});
