const header = (description: string, example: string): object => ({
  description,
  schema: { type: 'string' as const },
  example,
});

/** The header fields of {@link quotaHeaders}, for the OpenAPI document. */
export const QUOTA_HEADERS = {
  'RateLimit-Policy': header(
    'The limits of the tenant, if it has any, in messages: `default` is its `rate_limit`, a second ' +
      'long; `backlog` its `max_backlog`. Of a 429, the one that was reached.',
    '"default";q=100;w=1, "backlog";q=100000',
  ),
  RateLimit: header('What is left of each.', '"default";r=50;t=1, "backlog";r=99990'),
};
