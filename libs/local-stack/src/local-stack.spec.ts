import { connect } from 'amqplib';
import { setTimeout as pause } from 'node:timers/promises';
import { LocalStack } from './local-stack';

let stack: LocalStack;

beforeAll(async () => {
  stack = await LocalStack.start({ only: ['rabbitmq'] });
}, 300_000);

afterAll(() => stack.stop());

const queue = 'kept';

async function publish(): Promise<void> {
  const connection = await connect(stack.rabbitmqUrl);
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue(queue, { arguments: { 'x-queue-type': 'quorum' } });
  channel.sendToQueue(queue, Buffer.from('hello'), { persistent: true });
  await channel.waitForConfirms();
  await connection.close();
}

async function read(): Promise<string | undefined> {
  const connection = await connect(stack.rabbitmqUrl);
  const channel = await connection.createChannel();
  const message = await channel.get(queue);
  await connection.close();
  return message ? message.content.toString() : undefined;
}

it('keeps what the broker has confirmed when the broker is killed', async () => {
  await publish();
  // RabbitMQ 3.10 writes down a new quorum queue's name only about half a second after.
  await pause(2_000);
  stack.rabbitmq?.kill('SIGKILL');
  await stack.rabbitmq?.restart();
  await expect(read()).resolves.toBe('hello');
}, 120_000);

it('uses the servers that the environment names, and starts none', async () => {
  const env = { DATABASE_URL: 'postgres://there/one', RABBITMQ_URL: 'amqp://there' };
  const theirs = await LocalStack.start({ env });
  expect(theirs).toMatchObject({ databaseUrl: env.DATABASE_URL, rabbitmqUrl: env.RABBITMQ_URL });
  expect([theirs.postgres, theirs.rabbitmq]).toEqual([undefined, undefined]);
  await theirs.stop();
});
