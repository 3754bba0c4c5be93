import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Field, fieldsOf } from './protobuf';

/** A span as it was exported; ids in hexadecimal, '' for no parent. */
export interface ExportedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly name: string;
  readonly kind: string;
  readonly tookMs: number;
  readonly attributes: Record<string, unknown>;
  readonly links: { traceId: string; spanId: string }[];
  readonly failed: boolean;
  readonly resource: Record<string, unknown>;
}

const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
const STATUS_ERROR = 2n;

/** A collector of traces that keeps what it gets: OTLP over HTTP, as the SDK sends it. */
export class Collector {
  readonly spans: ExportedSpan[] = [];
  readonly problems: string[] = [];
  /** Whether it takes requests and never answers. */
  hangs = false;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Collector> {
    const server = createServer();
    const collector = new Collector(server);
    server.on('request', (request, response) => void collector.take(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The spans of one trace, by their kinds. */
  trace(traceId: string): ExportedSpan[] {
    return this.spans.filter((span) => span.traceId === traceId);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { url, headers } = request;
    const what = `${String(request.method)} ${String(url)} ${String(headers['content-type'])}`;
    if (what !== 'POST /v1/traces application/x-protobuf') this.problems.push(what);
    this.spans.push(...spansIn(Buffer.concat(chunks)));
    if (!this.hangs) response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  }
}

/** https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto */
function spansIn(request: Buffer): ExportedSpan[] {
  return all(fieldsOf(request), 1).flatMap((resourceSpans) => {
    const parts = fieldsOf(resourceSpans.bytes);
    const resource = attributesIn(all(fieldsOf(bytes(parts, 1)), 1));
    return all(parts, 2)
      .flatMap((scopeSpans) => all(fieldsOf(scopeSpans.bytes), 2))
      .map((span) => spanOf(fieldsOf(span.bytes), resource));
  });
}

function spanOf(span: Field[], resource: Record<string, unknown>): ExportedSpan {
  return {
    traceId: bytes(span, 1).toString('hex'),
    spanId: bytes(span, 2).toString('hex'),
    parentId: bytes(span, 4).toString('hex'),
    name: bytes(span, 5).toString(),
    kind: KINDS[Number(number(span, 6))] ?? 'none',
    tookMs: Number(number(span, 8) - number(span, 7)) / 1e6,
    attributes: attributesIn(all(span, 9)),
    links: all(span, 13).map((link) => {
      const parts = fieldsOf(link.bytes);
      return { traceId: bytes(parts, 1).toString('hex'), spanId: bytes(parts, 2).toString('hex') };
    }),
    failed: number(fieldsOf(bytes(span, 15)), 3) === STATUS_ERROR,
    resource,
  };
}

function attributesIn(keyValues: Field[]): Record<string, unknown> {
  const entries = keyValues.map((keyValue) => {
    const parts = fieldsOf(keyValue.bytes);
    const [value] = fieldsOf(bytes(parts, 2));
    return [
      bytes(parts, 1).toString(),
      value?.number === 1 ? value.bytes.toString() : Number(value?.value),
    ];
  });
  return Object.fromEntries(entries) as Record<string, unknown>;
}

const all = (fields: Field[], number: number): Field[] =>
  fields.filter((field) => field.number === number);
const one = (fields: Field[], number: number): Field | undefined => all(fields, number)[0];
const bytes = (fields: Field[], number: number): Buffer =>
  one(fields, number)?.bytes ?? Buffer.alloc(0);
const number = (fields: Field[], at: number): bigint => one(fields, at)?.value ?? 0n;
