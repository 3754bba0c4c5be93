import { createRequire } from 'node:module';
import type { Manifest } from './rendered';

type Validator = { prototype: { validate: (this: unknown) => void } };

const load = createRequire(__filename);

/**
 * What is wrong with a manifest by Kubernetes' OpenAPI schema: what it misses, what is of another
 * type, and every field that the schema does not know, which an API server would drop or refuse.
 */
export function problemsOf(manifest: Manifest): string[] {
  const { validate } = modelOf(manifest).prototype;
  const unread = new Set<string>();
  try {
    validate.call(watched(manifest, '', unread));
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
  return [...unread].map((field) => `${field} is no field of the schema`);
}

function modelOf({ apiVersion, kind }: Manifest): Validator {
  const models = load(`kubernetes-models/${apiVersion}`) as Record<string, Validator | undefined>;
  const model = models[kind];
  if (!model) throw new Error(`There is no ${kind} in ${apiVersion}`);
  return model;
}

/**
 * The generated validators ignore what they do not know; but they ask for all that they know. So a
 * field that was never asked for is unknown.
 */
function watched(value: unknown, path: string, unread: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const children = new Map(
    Object.entries(value).map(([key, child]) => {
      const at = Array.isArray(value) ? `${path}[${key}]` : `${path}/${key}`;
      unread.add(at);
      return [key, { at, child: watched(child, at, unread) }];
    }),
  );
  return new Proxy(value, {
    get: (target, key) => {
      const found = typeof key === 'string' ? children.get(key) : undefined;
      if (!found) return Reflect.get(target, key) as unknown;
      unread.delete(found.at);
      return found.child;
    },
  });
}
