import { banner } from './banner';

const lines = banner('http://127.0.0.1:3000').split('\n');

it('gives three lines to paste, the first of which keeps the id for the others', () => {
  const curls = lines.filter((line) => line.includes('curl '));
  expect(curls).toHaveLength(3);
  expect(curls[0]).toMatch(/^TENANT=\$\(curl /);
  expect(curls[1]).toContain('/api/tenants/$TENANT/messages');
  expect(curls[2]).toContain('/api/tenants/$TENANT/messages');
});

it('names a new tenant each time', () => {
  const name = (): string | undefined => /acme-\w{4}/.exec(banner('http://x'))?.[0];
  expect(name()).not.toBe(name());
});
