import { topTenants } from './top-tenants';

const sum = (a: number, b: number): number => a + b;

describe('the tenants with the greatest values', () => {
  const values = [3, 1, 5, 5, 2].map((value, at) => ({ tenant: `t${at}`, value }));

  const read = (...args: Parameters<typeof topTenants>) =>
    topTenants(...args).map(({ labels, value }) => [labels?.['tenant'], value]);

  it('stand by name, and the others together', () => {
    expect(read(values, 2, sum)).toEqual([
      ['t2', 5],
      ['t3', 5],
      ['_others', 6],
    ]);
    expect(read(values, 0, Math.max)).toEqual([['_others', 5]]);
  });

  it('are all of them when there are no more', () => {
    expect(read(values.slice(0, 1), 20, sum)).toEqual([
      ['t0', 3],
      ['_others', 0],
    ]);
  });

  it('make one reading of every name, whatever a tenant is called', () => {
    expect(read([...values, { tenant: '_others', value: 100 }], 1, sum)).toEqual([
      ['t2', 5],
      ['_others', 111],
    ]);
  });
});
