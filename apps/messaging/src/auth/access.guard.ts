import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Environment } from '@app/config';
import { uuidIn } from '@app/paging';
import type { FastifyRequest } from 'fastify';
import { InvalidInput } from '../invalid-input';
import { TenantNotFound } from '../tenants/tenant.errors';
import { type Access, ACCESS } from './access';
import { Forbidden } from './auth.errors';
import { Authentication } from './authentication';
import type { TenantCaller } from './claims';

/** Before every operation: who is not let in by its declaration stays out. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly environment: Environment,
    private readonly reflector: Reflector,
    private readonly authentication: Authentication,
  ) {}

  /** A promise only where there is something to wait for: each costs every request. */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    // Events come over the broker, from replicas of this program.
    if (context.getType() !== 'http' || this.environment.AUTH_MODE === 'off') return true;
    const access = this.declaredBy(context);
    if (access === 'open') return true;
    return this.isLetIn(context.switchToHttp().getRequest(), access);
  }

  private async isLetIn(request: FastifyRequest, access: Access): Promise<true> {
    const caller = await this.authentication.callerOf(request);
    if (caller.kind === 'tenant') expectOwn(caller, access, request.params);
    return true;
  }

  private declaredBy(context: ExecutionContext): Access {
    const places = [context.getHandler(), context.getClass()];
    return this.reflector.getAllAndOverride<Access | undefined>(ACCESS, places) ?? 'admin';
  }
}

/**
 * Another tenant is not told apart from one that does not exist: nobody asks whether it does, and the
 * body is not looked at. Only then comes the question whether the call is a tenant's at all.
 *
 * @throws InvalidInput, TenantNotFound, Forbidden
 */
function expectOwn({ tenantId }: TenantCaller, access: Access, params: unknown): void {
  const { tenant_id: named } = params as { tenant_id?: string };
  if (named !== undefined) {
    const asked = uuidIn(named);
    if (asked === undefined)
      throw new InvalidInput([{ field: 'tenant_id', message: 'must be a UUID' }]);
    if (asked !== tenantId) throw new TenantNotFound(asked);
  }
  if (named === undefined || access !== 'tenant') throw new Forbidden();
}
