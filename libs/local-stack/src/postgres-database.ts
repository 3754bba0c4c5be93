import { Client } from 'pg';

/** Whether the server accepts connections; sees to it that the database `messaging` exists. */
export async function hasDatabase(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, ssl: false });
  // A server that stops in the middle is told by the next question.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await createWhenMissing(client);
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function createWhenMissing(client: Client): Promise<void> {
  const found = await client.query("SELECT 1 FROM pg_database WHERE datname = 'messaging'");
  if (found.rowCount === 0) await client.query('CREATE DATABASE messaging');
}
