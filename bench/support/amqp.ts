import { type ChannelModel, connect } from 'amqplib';

/** A connection that lasts as long as a benchmark does. */
export async function connectAmqp(rabbitmqUrl: string): Promise<ChannelModel> {
  const connection = await connect(rabbitmqUrl);
  // After a failure the broker ends before this connection does, and it is the failure that is to be told.
  connection.on('error', () => undefined);
  return connection;
}
