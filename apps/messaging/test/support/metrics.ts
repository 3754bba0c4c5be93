import type { Api } from './api';

/** One scrape: the values by the series, as it is written: `name` or `name{label="value"}`. */
export class Scrape {
  private constructor(private readonly values: ReadonlyMap<string, number>) {}

  static async of(api: Api, headers: Record<string, string> = {}): Promise<Scrape> {
    const { status, body } = await api.request<string>('GET', '/metrics', undefined, headers);
    expect(status).toBe(200);
    const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Scrape(new Map(lines.map(parse)));
  }

  /** Fails the test when there is no such series. */
  value(series: string): number {
    const value = this.values.get(`messaging_${series}`);
    if (value === undefined) throw new Error(`There is no messaging_${series}`);
    return value;
  }

  /** What a gauge says of each tenant, by name. */
  ofTenants(name: string): Record<string, number> {
    return this.by('tenant', name);
  }

  /** How often which reason was refused for. */
  refusals(): Record<string, number> {
    return this.by('reason', 'refused_total');
  }

  names(): string[] {
    return [...new Set([...this.values.keys()].map((series) => series.replace(/\{.*$/, '')))];
  }

  private by(label: string, name: string): Record<string, number> {
    const prefix = `messaging_${name}{${label}="`;
    const own = [...this.values].filter(([series]) => series.startsWith(prefix));
    return Object.fromEntries(
      own.map(([series, value]) => [series.slice(prefix.length, -2), value]),
    );
  }
}

/** What is counted as refused while `work` is done: each reason, and how often. */
export async function refusedDuring(
  api: Api,
  work: () => Promise<unknown>,
): Promise<Record<string, number>> {
  const before = (await Scrape.of(api)).refusals();
  await work();
  const after = Object.entries((await Scrape.of(api)).refusals());
  const growth = after.map(([reason, count]) => [reason, count - (before[reason] ?? 0)] as const);
  return Object.fromEntries(growth.filter(([, by]) => by > 0));
}

function parse(line: string): [string, number] {
  const at = line.lastIndexOf(' ');
  return [line.slice(0, at), Number(line.slice(at + 1))];
}
