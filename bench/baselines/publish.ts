/**
 * Baseline: amqplib alone publishes persistent, mandatory messages with confirms, a window of them
 * unconfirmed at a time. What it publishes is what the service would.
 */
import { connect, type ConfirmChannel } from 'amqplib';
import { uuidv7 } from 'uuidv7';
import { job, report } from '../support/job';
import { payload } from '../support/payload';

const { rabbitmqUrl, tenantIds, window, seconds } = job() as {
  rabbitmqUrl: string;
  tenantIds: readonly string[];
  window: number;
  seconds: number;
};
const WARM_UP_MS = 2_000;

let confirmed = 0;
let ended = false;

/** Each confirm makes place for the next message. */
function publishNext(channel: ConfirmChannel): void {
  if (ended) return;
  const tenantId = tenantIds[confirmed % tenantIds.length] ?? '';
  const options = {
    messageId: uuidv7(),
    contentType: 'application/json',
    headers: { 'x-accepted-at': Date.now() },
    persistent: true,
    mandatory: true,
  };
  const body = Buffer.from(JSON.stringify(payload()));
  channel.publish('messaging.messages', tenantId, body, options, (error: unknown) => {
    if (error) throw new Error('A message was not confirmed');
    confirmed++;
    publishNext(channel);
  });
}

async function main(): Promise<void> {
  const connection = await connect(rabbitmqUrl);
  const channel = await connection.createConfirmChannel();
  for (let waiting = 0; waiting < window; waiting++) publishNext(channel);
  setTimeout(() => {
    const before = confirmed;
    const start = performance.now();
    setTimeout(() => {
      const rate = ((confirmed - before) * 1_000) / (performance.now() - start);
      ended = true;
      void channel.waitForConfirms().then(() => report({ rate }));
    }, seconds * 1_000);
  }, WARM_UP_MS);
}

void main();
