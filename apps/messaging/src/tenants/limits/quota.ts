/** A limit, and what is left of it, as a caller is told. */
export interface Quota {
  readonly policy: 'default' | 'backlog';
  readonly limit: number;
  readonly remaining: number;
}

/** A rate is of messages a second. What waits goes when it is stored: that has no time. */
const WINDOW = { default: ';w=1', backlog: '' } as const;
const EFFECTIVE = { default: ';t=1', backlog: '' } as const;

/**
 * The header fields that tell a caller of its quotas; none without a quota. A unit is a message, so
 * that a batch takes as many as it holds. `qu` does not say so: it may only name what is in a registry
 * (requests, their bytes, concurrent ones), and leaves open how many units a request takes.
 *
 * https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-11
 */
export function quotaHeaders(quotas: readonly Quota[]): Record<string, string> {
  if (quotas.length === 0) return {};
  const policies = quotas.map(({ policy, limit }) => `"${policy}";q=${limit}${WINDOW[policy]}`);
  const states = quotas.map(
    ({ policy, remaining }) => `"${policy}";r=${Math.max(0, remaining)}${EFFECTIVE[policy]}`,
  );
  return { 'ratelimit-policy': policies.join(', '), ratelimit: states.join(', ') };
}
