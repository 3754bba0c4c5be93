import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '@app/local-stack';
import { Api } from './api';
import { eventually } from './eventually';
import { servers } from './servers';

const MAIN = resolve(__dirname, '../../../../dist/apps/messaging/src/main.js');

export interface ProgramOptions {
  readonly databaseUrl: string;
  readonly rabbitmqUrl?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** By `npm run start:prod`, in a group of processes of its own. */
  readonly byNpm?: boolean;
  /** Return once it listens, whatever it still waits for; by default once it is ready. */
  readonly until?: 'live' | 'ready';
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The program as it runs in production: the built `main.js`, in a process of its own. */
export class Program {
  private static readonly living = new Set<Program>();
  readonly api: Api;
  readonly exited: Promise<Exit>;
  /** Everything that it has written. */
  output = '';

  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
    private readonly hasGroup = false,
  ) {
    this.api = new Api(`http://127.0.0.1:${port}`);
    child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.exited = once(child, 'exit').then(([code, signal]) => {
      Program.living.delete(this);
      return { code: code as number | null, signal: signal as NodeJS.Signals | null };
    });
    Program.living.add(this);
  }

  static async start(options: ProgramOptions): Promise<Program> {
    const port = await freePort();
    const program = new Program(launch(options, port), port, options.byNpm);
    await program.comesUp(options.until ?? 'ready');
    return program;
  }

  /** Starts it and waits for its end: for environments that it refuses, or is not to outlive. */
  static async refuse(env: Record<string, string>): Promise<Exit & { output: string }> {
    const program = new Program(run(env), 0);
    const exit = await program.exited;
    return { ...exit, output: program.output };
  }

  get pid(): number {
    return this.child.pid as number;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** To npm and to what it runs, as a terminal and systemd do. */
  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  /** SIGTERM, and what came of it. */
  async stop(): Promise<Exit> {
    this.signal('SIGTERM');
    return this.exited;
  }

  async kill(): Promise<void> {
    if (this.hasGroup) this.signalGroup('SIGKILL');
    else this.signal('SIGKILL');
    await this.exited;
  }

  /** For `afterAll`: nothing is left, whatever a test left. */
  static async killAll(): Promise<void> {
    await Promise.all([...Program.living].map((program) => program.kill()));
  }

  private async comesUp(until: 'live' | 'ready'): Promise<void> {
    const died = this.exited.then(({ code }) => {
      throw new Error(`The program ended with ${code}:\n${this.output}`);
    });
    const paths = until === 'live' ? ['/health/live'] : ['/health/ready', '/health/startup'];
    const up = eventually(
      async () => {
        for (const path of paths) expect(await this.api.status(path)).toBe(200);
      },
      { withinMs: 30_000 },
    );
    died.catch(() => undefined);
    await Promise.race([up, died]).catch((error: unknown) => {
      throw new Error(`It does not come up: ${String(error)}\n${this.output}`);
    });
  }
}

function launch(options: ProgramOptions, port: number): ChildProcess {
  const { databaseUrl, rabbitmqUrl, byNpm, env } = options;
  return (byNpm ? runByNpm : run)({
    DATABASE_URL: databaseUrl,
    RABBITMQ_URL: rabbitmqUrl ?? servers().rabbitmqUrl,
    PORT: String(port),
    AUTH_MODE: 'off',
    MIGRATE_ON_START: 'true',
    ...env,
  });
}

/** Variables go before those of a developer's `.env`. */
function runByNpm(env: Readonly<Record<string, string>>): ChildProcess {
  const { PATH } = process.env;
  const cwd = resolve(MAIN, '../../../../..');
  return spawn('npm', ['run', 'start:prod'], { cwd, env: { PATH, ...env }, detached: true });
}

/** In an empty folder: no `.env` of the developer's is read. */
function run(env: Readonly<Record<string, string>>): ChildProcess {
  const cwd = mkdtempSync(join(tmpdir(), 'messaging-test-'));
  const { PATH } = process.env;
  const child = spawn(process.execPath, [MAIN], { cwd, env: { PATH, ...env } });
  child.once('exit', () => rmSync(cwd, { recursive: true, force: true }));
  return child;
}
