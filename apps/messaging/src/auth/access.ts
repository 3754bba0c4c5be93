import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';

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
