import { quotaHeaders } from './quota';

describe('quotaHeaders', () => {
  it('says nothing without a limit', () => {
    expect(quotaHeaders([])).toEqual({});
  });

  it('writes structured fields, as the draft has them', () => {
    expect(quotaHeaders([{ policy: 'default', limit: 100, remaining: 50 }])).toEqual({
      'ratelimit-policy': '"default";q=100;w=1',
      ratelimit: '"default";r=50;t=1',
    });
  });

  it('lists several, and never goes below nothing', () => {
    const quotas = [
      { policy: 'default', limit: 100, remaining: 0 },
      { policy: 'backlog', limit: 5, remaining: -3 },
    ] as const;
    expect(quotaHeaders(quotas)).toEqual({
      'ratelimit-policy': '"default";q=100;w=1, "backlog";q=5',
      ratelimit: '"default";r=0;t=1, "backlog";r=0',
    });
  });
});
