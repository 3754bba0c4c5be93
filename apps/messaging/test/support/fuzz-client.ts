import { Agent, type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import type { FuzzRequest } from './fuzz-request';

export interface FuzzAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends what `fetch` would set right first, over a few connections that stay. */
export class FuzzClient {
  private readonly agent: Agent;

  constructor(
    private readonly port: number,
    private readonly inFlight: number,
  ) {
    this.agent = new Agent({ keepAlive: true, maxSockets: inFlight });
  }

  /** Sends all, `inFlight` at a time, and tells of each answer. */
  async sendAll(
    requests: readonly FuzzRequest[],
    onAnswer: (request: FuzzRequest, answer: FuzzAnswer) => void,
  ): Promise<void> {
    const waiting = requests.values();
    const lane = async (): Promise<void> => {
      for (const request of waiting) onAnswer(request, await this.send(request));
    };
    await Promise.all(Array.from({ length: this.inFlight }, lane));
    this.agent.destroy();
  }

  private async send(request: FuzzRequest): Promise<FuzzAnswer> {
    const body = bodyOf(request);
    const { port, agent } = this;
    const { method } = request;
    const headers = {
      ...(body && { 'content-type': 'application/json', 'content-length': body.byteLength }),
      ...request.headers,
    };
    const options = { host: '127.0.0.1', port, agent, method, path: pathOf(request), headers };
    return new Promise((resolve, reject) => {
      const sent = httpRequest(options, (response) => {
        const { statusCode: status = 0, headers } = response;
        text(response).then((body) => resolve({ status, headers, body }), reject);
      });
      sent.on('error', (error) =>
        resolve({ status: 0, headers: {}, body: `no answer: ${String(error)}` }),
      );
      sent.end(body);
    });
  }
}

function bodyOf({ raw, json }: FuzzRequest): Buffer | undefined {
  if (raw) return raw;
  return json === undefined ? undefined : Buffer.from(JSON.stringify(json));
}

export function pathOf({ template, path, query }: FuzzRequest): string {
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => path[name] ?? '');
  const pairs = query.map(([name, value]) => `${encode(name)}=${encode(value)}`);
  return pairs.length > 0 ? `${filled}?${pairs.join('&')}` : filled;
}

const encode = (value: string): string => encodeURIComponent(value.toWellFormed());
