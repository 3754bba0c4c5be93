import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@app/local-stack';

const DIST = resolve(__dirname, '../..');
const UP_WITHIN_MS = 30_000;

/** A program under measurement, in a process of its own. */
export class MeasuredProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  /** A script below `dist/`, with these variables and nothing else. */
  static run(script: string, env: Record<string, string>, url = ''): MeasuredProcess {
    const { PATH = '' } = process.env;
    const stdio = ['ignore', 'ignore', 'inherit'] as const;
    const child = spawn(process.execPath, [resolve(DIST, script)], {
      env: { PATH, NODE_ENV: 'production', ...env },
      stdio: [...stdio],
    });
    return new MeasuredProcess(child, url);
  }

  /** The service itself, once it is ready. */
  static async service(databaseUrl: string, rabbitmqUrl: string): Promise<MeasuredProcess> {
    const port = await freePort();
    const env = {
      DATABASE_URL: databaseUrl,
      RABBITMQ_URL: rabbitmqUrl,
      PORT: String(port),
      AUTH_MODE: 'off',
      MIGRATE_ON_START: 'true',
      LOG_LEVEL: 'warn',
    };
    const url = `http://127.0.0.1:${port}`;
    const service = MeasuredProcess.run('apps/messaging/src/main.js', env, url);
    await untilReady(`${url}/health/ready`);
    await untilReady(`${url}/health/startup`);
    return service;
  }

  async call<Body>(method: string, path: string, body?: unknown): Promise<Body> {
    const response = await fetch(this.url + path, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
    return (await response.json()) as Body;
  }

  async stop(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exited;
  }
}

async function untilReady(url: string): Promise<void> {
  const deadline = Date.now() + UP_WITHIN_MS;
  while (Date.now() < deadline) {
    const up = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
    if (up) return;
    await delay(50);
  }
  throw new Error(`${url} is not there after ${UP_WITHIN_MS} ms`);
}
