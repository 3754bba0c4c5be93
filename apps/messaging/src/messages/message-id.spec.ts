import { keyedId } from './message-id';

const tenant = '0192f0c1-2345-7abc-8def-0123456789ab';
const other = '0192f0c1-2345-7abc-8def-0123456789ac';

describe('keyedId', () => {
  it('is the version 5 UUID of RFC 9562', () => {
    // The RFC's own example: the DNS namespace and "www.example.com".
    const dns = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
    expect(keyedId(dns, 'www.example.com')).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
  });

  it('is the same for the same key of the same tenant, and for no other', () => {
    expect(keyedId(tenant, 'order-1')).toBe(keyedId(tenant, 'order-1'));
    expect(keyedId(tenant, 'order-1')).not.toBe(keyedId(tenant, 'order-2'));
    expect(keyedId(tenant, 'order-1')).not.toBe(keyedId(other, 'order-1'));
  });
});
