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
    const prefix = `messaging_${name}{tenant="`;
    const own = [...this.values].filter(([series]) => series.startsWith(prefix));
    return Object.fromEntries(
      own.map(([series, value]) => [series.slice(prefix.length, -2), value]),
    );
  }

  names(): string[] {
    return [...new Set([...this.values.keys()].map((series) => series.replace(/\{.*$/, '')))];
  }
}

function parse(line: string): [string, number] {
  const at = line.lastIndexOf(' ');
  return [line.slice(0, at), Number(line.slice(at + 1))];
}
