import type { OpenAPIObject } from '@nestjs/swagger';
import { PROBLEM_TYPE, type ProblemKind, problemKinds } from '../problem';
import { type DocumentedProblem, problemResponse } from '../problem.docs';
import { type Access, ACCESS_EXTENSION } from './access';

/** The name of the security scheme. */
export const BEARER = 'bearer';

type PathItem = OpenAPIObject['paths'][string];
type Operation = NonNullable<PathItem['get']> & { [ACCESS_EXTENSION]?: Access };

const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'head', 'options'] as const;

/**
 * Writes into the document what the guard does: an operation that declares nothing is an admin's.
 * So none can be forgotten in the one and not in the other.
 */
export function documentAccess(document: OpenAPIObject): OpenAPIObject {
  for (const item of Object.values(document.paths))
    for (const method of METHODS) if (item[method]) guard(item[method]);
  return document;
}

function guard(operation: Operation): void {
  const access = (operation[ACCESS_EXTENSION] ??= 'admin');
  if (access === 'open') return;
  operation.security = [{ [BEARER]: [] }];
  addProblem(operation, 'unauthorized');
  if (access === 'admin') addProblem(operation, 'forbidden');
  addProblem(operation, 'key-server-unavailable');
  addProblem(operation, 'stopping');
}

/** Beside what is documented for the same status. */
function addProblem({ responses }: Operation, kind: ProblemKind): void {
  const [status] = problemKinds[kind];
  const more = problemResponse(status, [kind]);
  const there = responses[status] as DocumentedProblem | undefined;
  if (!there) {
    responses[status] = more;
    return;
  }
  Object.assign(there.content[PROBLEM_TYPE].examples, more.content[PROBLEM_TYPE].examples);
  there.description += `, or: ${more.description}`;
}
