import { randomUUID } from 'node:crypto';
import { type Channel, type ChannelModel, connect, type ConsumeMessage } from 'amqplib';
import { AckRound } from '../src/consumers/ack-round';
import { Acks } from '../src/consumers/acks';
import { eventually } from './support/eventually';
import { servers } from './support/servers';

/** Of its own, since what the program does with its queues is not what is looked at here. */
const QUEUE = `acks-${randomUUID()}`;
const [SMALL, LARGE] = [1, 12];

describe('acks', () => {
  let connection: ChannelModel;
  let channel: Channel;
  let acks: Acks;
  let delivered: ConsumeMessage[];
  let refused: Error | undefined;

  beforeAll(async () => {
    connection = await connect(servers().rabbitmqUrl);
  });

  beforeEach(async () => {
    delivered = [];
    refused = undefined;
    channel = await connection.createChannel();
    channel.on('error', (error: Error) => (refused = error));
    acks = new Acks(channel, SMALL, new AckRound());
    const options = { durable: true, arguments: { 'x-queue-type': 'quorum' } };
    await channel.assertQueue(QUEUE, options);
    for (const text of 'abcde') channel.sendToQueue(QUEUE, Buffer.from(text));
    await channel.consume(QUEUE, (message) => {
      if (!message) return;
      acks.delivered(message);
      delivered.push(message);
    });
    await eventually(() => expect(textsOf(delivered)).toBe('abcde'));
  });

  afterEach(async () => {
    const after = await connection.createChannel();
    await after.deleteQueue(QUEUE);
    await after.close();
  });

  afterAll(() => connection.close());

  const ack = (texts: string): void =>
    delivered.filter((message) => texts.includes(textsOf([message]))).forEach((m) => acks.ack(m));

  /** What is delivered again when the channel is closed, in the order of the queue. */
  async function left(): Promise<string> {
    expect(refused).toBeUndefined();
    await channel.close();
    const next = await connection.createChannel();
    const again: ConsumeMessage[] = [];
    const { messageCount } = await eventually(async () => {
      const queue = await next.checkQueue(QUEUE);
      expect(queue.consumerCount).toBe(0);
      return queue;
    });
    await next.consume(QUEUE, (message) => {
      if (message) again.push(message);
    });
    await eventually(() => expect(again).toHaveLength(messageCount));
    await next.close();
    return textsOf(again.toSorted((a, b) => (textsOf([a]) < textsOf([b]) ? -1 : 1)));
  }

  it.each([
    ['abcde', ''],
    ['abc', 'de'],
    ['abd', 'ce'],
    ['bd', 'ace'],
    ['e', 'abcd'],
  ])('of %s in one turn leave "%s"', async (settled, kept) => {
    ack(settled);
    await acksSent();
    expect(await left()).toBe(kept);
  });

  it('fill the gap that they left, one turn after the other', async () => {
    for (const settled of ['ce', 'a', 'bd']) {
      ack(settled);
      await acksSent();
    }
    expect(await left()).toBe('');
  });

  it.each(['putBack', 'putBackFailed'] as const)(
    'go round what was put back (%s)',
    async (putBack) => {
      acks[putBack](delivered[1] as ConsumeMessage);
      ack('ac');
      await acksSent();
      await eventually(() => expect(textsOf(delivered)).toBe('abcdeb'));
      expect(await left()).toBe('bde');
    },
  );

  it('count what failed and was put back', async () => {
    acks.putBackFailed(delivered[1] as ConsumeMessage);
    await eventually(() => expect(textsOf(delivered)).toBe('abcdeb'));
    expect(delivered.at(-1)?.properties.headers).toMatchObject({ 'x-delivery-count': 1 });
    expect(await left()).toHaveLength(5);
  });

  describe('of a large tenant', () => {
    let round: AckRound;

    beforeEach(() => {
      round = new AckRound();
      acks = new Acks(channel, LARGE, round);
      for (const message of delivered) acks.delivered(message);
    });

    it('wait a moment for others, when they are few', async () => {
      ack('ab');
      await Promise.resolve();
      ack('c');
      await Promise.resolve();
      expect(acks.lastSentAt).toBe(-Infinity);
      await eventually(() => expect(acks.lastSentAt).toBeGreaterThan(0));
      await acksSent();
      expect(await left()).toBe('de');
    });

    it('wait for none, when they are half of what it may take', async () => {
      channel.sendToQueue(QUEUE, Buffer.from('f'));
      await eventually(() => expect(textsOf(delivered)).toBe('abcdef'));
      ack('abcdef');
      await Promise.resolve();
      expect(acks.lastSentAt).toBeGreaterThan(0);
      await acksSent();
      expect(await left()).toBe('');
    });

    it('go out with those of another one, which need not wait', async () => {
      ack('ab');
      round.endSoon();
      ack('c');
      await Promise.resolve();
      expect(acks.lastSentAt).toBeGreaterThan(0);
      await acksSent();
      expect(await left()).toBe('de');
    });

    it('go out when they are asked for, and once', async () => {
      ack('ab');
      acks.send();
      ack('c');
      acks.send();
      await acksSent();
      expect(await left()).toBe('de');
    });
  });

  it('on a channel that is closed harm nobody', async () => {
    ack('a');
    await acksSent();
    await channel.close();
    ack('bcde');
    acks.putBack(delivered[3] as ConsumeMessage);
    acks.putBackFailed(delivered[4] as ConsumeMessage);
    await acksSent();
    expect(refused).toBeUndefined();
  });

  /** The channel has sent them, and the broker has taken them in: it answers in order. */
  async function acksSent(): Promise<void> {
    await new Promise(setImmediate);
    await channel.checkQueue(QUEUE).catch(() => undefined);
  }
});

const textsOf = (messages: readonly ConsumeMessage[]): string =>
  messages.map(({ content }) => content.toString()).join('');
