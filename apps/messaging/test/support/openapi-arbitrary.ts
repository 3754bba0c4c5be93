import fc from 'fast-check';
import { type Document, type Operation, resolveRef, type Schema } from './openapi-document';

/** What of JSON Schema the document uses. */
interface FullSchema extends Schema {
  readonly enum?: unknown[];
  readonly nullable?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly format?: string;
  readonly required?: string[];
  readonly oneOf?: Schema[];
  readonly anyOf?: Schema[];
  readonly properties?: Record<string, FullSchema>;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header' | 'cookie';
  readonly required?: boolean;
  readonly schema?: Schema;
}

export type FullOperation = Operation & { readonly parameters?: Parameter[] };

/** Large enough to be met, small enough for thousands of requests. */
const MOST_ITEMS = 20;

/** Values that a schema of the document allows. */
export class SchemaArbitrary {
  constructor(private readonly document: Document) {}

  of(schema: Schema = {}): fc.Arbitrary<unknown> {
    const full = schema as FullSchema;
    const value = this.withoutNull(full);
    return full.nullable ? fc.option(value, { freq: 5 }) : value;
  }

  private withoutNull(schema: FullSchema): fc.Arbitrary<unknown> {
    const { $ref, allOf, enum: allowed } = schema;
    const either = schema.oneOf ?? schema.anyOf;
    if ($ref) return this.of(resolveRef(this.document, $ref) as Schema);
    if (allowed) return fc.constantFrom(...allowed);
    if (either) return fc.oneof(...either.map((one) => this.of(one)));
    if (allOf) return fc.tuple(...allOf.map((part) => this.of(part))).map(merged);
    return this.ofType(schema);
  }

  private ofType(schema: FullSchema): fc.Arbitrary<unknown> {
    switch (schema.properties ? 'object' : (schema.type ?? 'any')) {
      case 'object':
        return this.object(schema);
      case 'array':
        return this.array(schema);
      case 'string':
        return text(schema);
      case 'integer':
      case 'number':
        return whole(schema);
      case 'boolean':
        return fc.boolean();
      default:
        return fc.jsonValue({ maxDepth: 3 });
    }
  }

  private object({ properties, required = [] }: FullSchema): fc.Arbitrary<unknown> {
    if (!properties) return fc.jsonValue({ maxDepth: 3 });
    const fields = Object.entries(properties).map(
      ([name, schema]) => [name, this.of(schema)] as const,
    );
    return fc.record(Object.fromEntries(fields), { requiredKeys: required });
  }

  private array({ items, minItems = 0, maxItems = MOST_ITEMS }: FullSchema) {
    const maxLength = Math.max(minItems, Math.min(maxItems, MOST_ITEMS));
    return fc.array(this.of(items), { minLength: minItems, maxLength });
  }
}

function text({ format, minLength = 0, maxLength = 100 }: FullSchema): fc.Arbitrary<string> {
  if (format === 'uuid') return fc.uuid();
  const units = (['grapheme-ascii', 'grapheme'] as const).map((unit) =>
    fc.string({ unit, minLength, maxLength: Math.max(minLength, maxLength / 5) }),
  );
  return fc.oneof(...units, fc.constantFrom('a'.repeat(maxLength), 'a'.repeat(minLength)));
}

function whole({ minimum = 0, maximum = 1_000 }: FullSchema): fc.Arbitrary<number> {
  return fc.oneof(fc.integer({ min: minimum, max: maximum }), fc.constantFrom(minimum, maximum));
}

const merged = (parts: unknown[]): unknown => Object.assign({}, ...(parts as object[])) as unknown;
