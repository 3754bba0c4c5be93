import { connect } from 'amqplib';

/** Whether a broker lets one in and its management API answers: what opens last at its start. */
export async function handshakeSucceeds(url: string, managementUrl: string): Promise<boolean> {
  try {
    const connection = await connect(url, { timeout: 5_000 });
    connection.on('error', () => undefined);
    await connection.close();
    return (await fetch(managementUrl)).ok;
  } catch {
    return false;
  }
}
