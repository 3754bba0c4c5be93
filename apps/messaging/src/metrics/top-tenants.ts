import type { GaugeReading } from '@app/metrics';

export interface TenantValue {
  /** The tenant's name. */
  readonly tenant: string;
  readonly value: number;
}

/** All tenants but those that are named. */
export const OTHERS = '_others';

/**
 * The `limit` tenants with the greatest values by name, and all others folded into one: thousands of
 * tenants make no thousands of time series. Among equals the name decides, so that the same ones stay.
 */
export function topTenants(
  values: readonly TenantValue[],
  limit: number,
  fold: (a: number, b: number) => number,
): GaugeReading[] {
  const worstFirst = values.toSorted((a, b) => b.value - a.value || compare(a.tenant, b.tenant));
  // A tenant may be called like the fold: two readings of one name would be one too many.
  const named = worstFirst.filter(({ tenant }) => tenant !== OTHERS).slice(0, limit);
  const isNamed = new Set(named);
  const rest = worstFirst.filter((value) => !isNamed.has(value)).map(({ value }) => value);
  return [
    ...named.map(({ tenant, value }) => ({ labels: { tenant }, value })),
    { labels: { tenant: OTHERS }, value: rest.reduce((a, b) => fold(a, b), 0) },
  ];
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
