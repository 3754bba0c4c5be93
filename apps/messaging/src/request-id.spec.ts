import { requestId } from './request-id';

const idFor = (given?: string): string =>
  requestId({ headers: given === undefined ? {} : { 'x-request-id': given } });

describe('requestId', () => {
  it.each(['abc', '0192f0c1-2345-7abc-8def-0123456789ab', 'a:b/c=d+e.f_g', 'x'.repeat(128)])(
    "keeps the caller's %s",
    (given) => {
      expect(idFor(given)).toBe(given);
    },
  );

  it.each([undefined, '', 'a b', 'a\nb', '"', '<script>', 'é', 'x'.repeat(129)])(
    'makes one of its own instead of %j',
    (given) => {
      expect(idFor(given)).toMatch(/^[0-9a-f-]{36}$/);
    },
  );
});
