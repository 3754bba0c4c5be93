export interface Media {
  readonly schema?: Schema;
  readonly example?: unknown;
  readonly examples?: Record<string, { value?: unknown }>;
}

export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly example?: unknown;
  readonly default?: unknown;
  readonly properties?: Record<string, Schema>;
  readonly items?: Schema;
  readonly allOf?: Schema[];
}

export interface Operation {
  readonly security?: Record<string, string[]>[];
  readonly summary?: string;
  readonly requestBody?: { content?: Record<string, Media> };
  readonly responses: Record<string, { content?: Record<string, Media> }>;
}

export interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
}

/** The operations by their names: `get /api/tenants`. */
export function operationsOf(document: Document): Map<string, Operation> {
  const named = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => [`${method} ${path}`, operation] as const),
  );
  return new Map(named);
}

/** What a local `$ref` points at; undefined when nothing is there. */
export function resolveRef(document: Document, ref: string): unknown {
  if (!ref.startsWith('#/')) return undefined;
  const step = (from: unknown, name: string): unknown =>
    (from as Record<string, unknown> | undefined)?.[name];
  return ref.slice(2).split('/').reduce<unknown>(step, document);
}

/** Whether a reader is shown what stands there: given as a whole, or put together from its parts. */
export function hasExample(document: Document, { schema, example, examples }: Media): boolean {
  if (example !== undefined) return true;
  const given = Object.values(examples ?? {});
  if (given.length > 0) return given.every(({ value }) => value !== undefined);
  return schema !== undefined && schemaHasExample(document, schema);
}

function schemaHasExample(document: Document, schema: Schema): boolean {
  const { $ref, example, properties, items, allOf } = schema;
  if (example !== undefined) return true;
  if ($ref) return schemaHasExample(document, resolveRef(document, $ref) as Schema);
  if (items) return schemaHasExample(document, items);
  if (allOf) return allOf.every((part) => schemaHasExample(document, part));
  const parts = Object.values(properties ?? {});
  return parts.length > 0 && parts.every((part) => schemaHasExample(document, part));
}
