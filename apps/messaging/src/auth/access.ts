import {
  applyDecorators,
  createParamDecorator,
  type ExecutionContext,
  SetMetadata,
} from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { NOBODY, type Reader } from '../tenants/reader';

/** Who may call an operation. One that says nothing is for admins alone. */
export type Access = 'open' | 'tenant' | 'admin';

/** What the guard reads. */
export const ACCESS = 'messaging:access';

/** The same in the OpenAPI document, where it becomes the operation's security. */
export const ACCESS_EXTENSION = 'x-access';

type Declaration = MethodDecorator & ClassDecorator;

const declared = (access: Access): Declaration =>
  applyDecorators(SetMetadata(ACCESS, access), ApiExtension(ACCESS_EXTENSION, access));

/** For everybody, without a token. */
export const Open = (): Declaration => declared('open');

/** For admins, and for the tenant whose `tenant_id` stands in the path. */
export const AllowedTo = (whom: 'tenant'): Declaration => declared(whom);

/**
 * For whom an operation reads: the tenant of the token, whatever the path says; an admin reads as the
 * tenant of the path. So row-level security holds where the guard was forgotten, too.
 */
export const AsCaller = createParamDecorator((_: unknown, context: ExecutionContext): Reader => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const { tenant_id: tenantId } = request.params as { tenant_id: string };
  switch (request.caller?.kind) {
    case 'tenant':
      return request.caller;
    case 'admin':
      return { tenantId };
    case undefined:
      return NOBODY;
  }
});
