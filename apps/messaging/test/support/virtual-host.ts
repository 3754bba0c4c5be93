import { servers } from './servers';

/** A broker within the broker, with no queue of anybody's; its URL. */
export async function virtualHost(name: string): Promise<string> {
  const { managementUrl, rabbitmqUrl } = servers();
  if (!managementUrl) throw new Error('Set RABBITMQ_MANAGEMENT_URL for the broker of RABBITMQ_URL');
  await put(`${managementUrl}/api/vhosts/${name}`, {});
  const everything = { configure: '.*', write: '.*', read: '.*' };
  await put(`${managementUrl}/api/permissions/${name}/guest`, everything);
  return `${rabbitmqUrl}/${name}`;
}

async function put(url: string, body: object): Promise<void> {
  const authorization = `Basic ${Buffer.from('guest:guest').toString('base64')}`;
  const headers = { authorization, 'content-type': 'application/json' };
  const { status } = await fetch(url, { method: 'PUT', headers, body: JSON.stringify(body) });
  expect([201, 204]).toContain(status);
}
