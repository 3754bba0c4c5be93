import fc from 'fast-check';
import { type Document, operationsOf } from './openapi-document';
import { type FullOperation, type Parameter, SchemaArbitrary } from './openapi-arbitrary';
import { mutation } from './fuzz-mutations';
import type { FuzzRequest } from './fuzz-request';
import { bentAuthorization, type FuzzTokens } from './fuzz-tokens';

/** Values that no schema knows: ids of what there is, was, or never was, and cursors. */
export interface Pools {
  readonly tenants: readonly string[];
  /** Those that may be removed. */
  readonly victims: readonly string[];
  readonly messages: readonly string[];
  readonly deadLetters: readonly string[];
  readonly cursors: readonly string[];
  readonly tokens: FuzzTokens;
}

/** At least `amount` requests, as many of each operation, in an order that the seed decides. */
export function fuzzRequests(
  document: Document,
  pools: Pools,
  { seed, amount }: { seed: number; amount: number },
): FuzzRequest[] {
  const operations = [...operationsOf(document)] as [string, FullOperation][];
  const numRuns = Math.ceil(amount / operations.length);
  const requests = operations.flatMap(([name, operation], index) => {
    const valid = new ValidRequests(document, pools).of(name, operation);
    const bent = fc.tuple(valid, mutation(pools.cursors)).map(([request, bend]) => bend(request));
    const strange = bentAuthorization(pools.tokens, String(pools.tenants[0]));
    const stranger = fc.tuple(valid, strange).map(([request, bend]) => bend(request));
    const either = fc.oneof(
      { weight: 2, arbitrary: valid },
      { weight: 5, arbitrary: bent },
      { weight: 1, arbitrary: stranger },
    );
    return fc.sample(either, { seed: seed + index, numRuns });
  });
  const [shuffled] = fc.sample(fc.shuffledSubarray(requests, { minLength: requests.length }), {
    seed,
    numRuns: 1,
  });
  return shuffled ?? [];
}

class ValidRequests {
  private readonly schemas: SchemaArbitrary;

  constructor(
    document: Document,
    private readonly pools: Pools,
  ) {
    this.schemas = new SchemaArbitrary(document);
  }

  of(operation: string, described: FullOperation): fc.Arbitrary<FuzzRequest> {
    const [method = '', template = ''] = operation.split(' ');
    const { parameters = [], requestBody, responses } = described;
    const schema = requestBody?.content?.['application/json']?.schema;
    const parts = fc.record({
      path: this.values(operation, parameters, 'path'),
      query: this.values(operation, parameters, 'query').map((query) => Object.entries(query)),
      headers: this.values(operation, parameters, 'header').map(sendable),
      json: schema ? this.schemas.of(schema) : fc.constant(undefined),
    });
    const documented = Object.keys(responses).map(Number);
    const fixed = { operation, documented, routed: true, raw: undefined, template };
    const { tokens, tenants } = this.pools;
    return fc
      .tuple(parts, tokens.caller(tenants))
      .map(([drawn, called]) => called({ ...fixed, method: method.toUpperCase(), ...drawn }));
  }

  private values(
    operation: string,
    parameters: Parameter[],
    place: Parameter['in'],
  ): fc.Arbitrary<Record<string, string>> {
    const own = parameters.filter((parameter) => parameter.in === place);
    const fields = own.map(({ name, schema }): [string, fc.Arbitrary<string>] => [
      name,
      this.known(operation, name) ?? this.schemas.of(schema).map(String),
    ]);
    const requiredKeys = own.filter(({ required }) => required).map(({ name }) => name);
    return fc.record(Object.fromEntries(fields), { requiredKeys });
  }

  private known(operation: string, name: string): fc.Arbitrary<string> | undefined {
    const { tenants, victims, messages, deadLetters, cursors } = this.pools;
    if (name === 'tenant_id')
      return fc.constantFrom(...(/^delete .*\{tenant_id\}$/.test(operation) ? victims : tenants));
    if (name === 'cursor') return fc.constantFrom(...cursors);
    if (name !== 'id') return undefined;
    return fc.constantFrom(...(operation.includes('dead-letters') ? deadLetters : messages));
  }
}

/** What HTTP can carry of it; some of it not for long. */
const sendable = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value.replace(/[^\x21-\x7e]/g, '~')]),
  );
