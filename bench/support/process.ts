import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@app/local-stack';
import { type Answer, httpCall } from './http-call';

const DIST = resolve(__dirname, '../..');
/** What is measured does not outlive a benchmark that was killed. */
const PARENT_WATCH = resolve(DIST, '../libs/local-stack/bootstrap/parent-watch.mjs');
const UP_WITHIN_MS = 120_000;
const POLL_MS = 20;

/** A program under measurement, or one that puts load on it, in a process of its own. */
export class MeasuredProcess {
  private static readonly living = new Set<MeasuredProcess>();
  /** What it wrote to its standard error: warnings of the runtime's, too. */
  complaints = '';

  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {
    MeasuredProcess.living.add(this);
    child.once('exit', () => MeasuredProcess.living.delete(this));
    child.stderr?.on('data', (chunk: Buffer) => (this.complaints += chunk.toString()));
    child.stderr?.pipe(process.stderr, { end: false });
  }

  /** A script below `dist/`, with these variables and nothing else. */
  static run(script: string, env: Record<string, string>, url = ''): MeasuredProcess {
    const { PATH = '' } = process.env;
    const child = spawn(process.execPath, ['--import', PARENT_WATCH, resolve(DIST, script)], {
      env: { PATH, NODE_ENV: 'production', ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    return new MeasuredProcess(child, url);
  }

  /** A script that serves HTTP on `PORT`, once it answers. */
  static async server(script: string, env: Record<string, string>): Promise<MeasuredProcess> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const server = MeasuredProcess.run(script, { ...env, PORT: String(port) }, url);
    await server.untilOk('/health/live');
    return server;
  }

  /** The service itself, once it is ready and consumes. */
  static async service(
    { databaseUrl, rabbitmqUrl }: { databaseUrl: string; rabbitmqUrl: string },
    env: Record<string, string> = {},
  ): Promise<MeasuredProcess> {
    const all = { ...serviceVariables(databaseUrl, rabbitmqUrl), ...env };
    const service = await MeasuredProcess.server('apps/messaging/src/main.js', all);
    await service.untilOk('/health/ready');
    await service.untilOk('/health/startup');
    return service;
  }

  /** For the end of a run, whatever became of it. */
  static killAll(): void {
    for (const { child } of MeasuredProcess.living) child.kill('SIGKILL');
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** What a script of ours reports at its end. */
  async result<Report>(): Promise<Report> {
    const over = new AbortController();
    const { signal } = over;
    const ended = once(this.child, 'exit', { signal }).then(([code]) => {
      throw new Error(`A process ended with ${String(code)} and no result`);
    });
    ended.catch(() => undefined);
    const message = once(this.child, 'message', { signal }) as Promise<[Report]>;
    const [report] = await Promise.race([message, ended]).finally(() => over.abort());
    return report;
  }

  /** Tells a script of ours what to do, and waits until it reports that it has. */
  async tell(word: string): Promise<void> {
    const done = this.result();
    this.child.send(word);
    await done;
  }

  /** @throws when the answer is an error */
  async call<Body>(method: string, path: string, body?: unknown): Promise<Body> {
    const response = await this.request(method, path, body);
    const { ok, status, text } = response;
    if (!ok) throw new Error(`${method} ${path}: ${status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as Body;
  }

  request(method: string, path: string, body?: unknown): Promise<Answer> {
    return httpCall(method, this.url + path, body);
  }

  /** Waits until it answers this path with a success. */
  async untilOk(path: string): Promise<void> {
    const deadline = Date.now() + UP_WITHIN_MS;
    while (Date.now() < deadline) {
      if (await isOk(this.url + path)) return;
      await delay(POLL_MS);
    }
    throw new Error(`${this.url}${path} is not there after ${UP_WITHIN_MS} ms`);
  }

  /** As by `kill -9`. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exited;
  }
}

/** What the service, and a baseline that is the same app, is started with. */
export function serviceVariables(databaseUrl: string, rabbitmqUrl: string): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    RABBITMQ_URL: rabbitmqUrl,
    AUTH_MODE: 'off',
    MIGRATE_ON_START: 'true',
    LOG_LEVEL: 'warn',
  };
}

const isOk = (url: string): Promise<boolean> =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
